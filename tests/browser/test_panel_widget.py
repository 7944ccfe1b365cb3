"""``%greencell panel`` in JupyterLab: the panel in an output cell, with live figures."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("anywidget")
pytestmark = pytest.mark.browser

WORK = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: sum(range(1000))"
INSIDE = ".jp-OutputArea [data-gc='panel']"


def test_the_panel_in_an_output_is_live(open_notebook: Any) -> None:
    """Figures at once, a running cell that counts, the sum that the side panel has too."""
    nb = open_notebook(["%load_ext greencell", "sum(range(10**6))", "%greencell panel", WORK])
    nb.wait_idle()
    for index in (0, 1, 2):
        nb.run(index)
    inside = nb.page.locator(INSIDE)
    inside.locator("[data-gc='session-energy']").wait_for(timeout=30_000)
    nb.run(3, wait=False)
    running = inside.locator("[data-gc='cell-running'][data-cell-id='c3']")
    running.wait_for(timeout=10_000)
    nb.page.wait_for_function(
        f"() => Number(document.querySelector(\"{INSIDE} [data-gc='cell-running']\")"
        ".dataset.energyJ) > 0",
        timeout=10_000,
    )
    inside.locator("[data-gc='cell-row'][data-cell-id='c3']").wait_for(timeout=15_000)
    running.wait_for(state="hidden", timeout=10_000)
    nb.show_panel()
    side = nb.page.locator("#greencell-panel [data-gc='session-energy']")
    side.wait_for(timeout=10_000)
    nb.page.wait_for_function(
        "() => { const found = [...document.querySelectorAll(\"[data-gc='session-energy']\")]"
        ".map(e => e.dataset.energyJ); return found.length === 2 && found[0] === found[1]; }",
        timeout=10_000,
    )
    assert inside.locator("[data-gc='chart'] canvas").count() == 1
    assert nb.errors == []


def test_what_is_asked_in_an_output_is_answered(open_notebook: Any) -> None:
    """The zone by a form in place, a refusal in one line, pause, and the sections that ask."""
    nb = open_notebook(["%load_ext greencell", "sum(range(10**6))", "%greencell panel"])
    nb.wait_idle()
    for index in (0, 1, 2):
        nb.run(index)
    inside = nb.page.locator(INSIDE)
    inside.locator("[data-gc='zone']").click()
    form = inside.locator("[data-gc='zone-form']")
    form.locator("input").fill("Atlantis")
    form.locator("button").click()
    form.locator("[data-gc='zone-refusal']:visible").wait_for(timeout=10_000)
    form.locator("input").fill("US-CA")
    form.locator("button").click()
    inside.locator("[data-gc='zone'][data-zone='US-CA']").wait_for(timeout=10_000)
    inside.get_by_role("button", name="Pause").click()
    inside.get_by_role("button", name="Count again").click()
    inside.get_by_role("button", name="Pause").wait_for(timeout=10_000)
    for mark, row in (("what-if", "elsewhere-row"), ("history", "history-session")):
        section = inside.locator(f"[data-gc='{mark}']")
        section.locator("summary").click()
        section.locator(f"[data-gc='{row}']").first.wait_for(timeout=15_000)
    assert nb.errors == []


def test_two_outputs_and_a_reload_show_the_same(open_notebook: Any) -> None:
    """A page that comes back asks the kernel once and has all figures."""
    nb = open_notebook(
        ["%load_ext greencell", "sum(range(10**6))", "%greencell panel", "%greencell panel"]
    )
    nb.wait_idle()
    for index in (0, 1, 2, 3):
        nb.run(index)
    shown = nb.page.locator(f"{INSIDE} [data-gc='session-energy']")
    shown.nth(1).wait_for(timeout=30_000)
    nb.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    nb.page.reload()
    nb.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    shown.nth(1).wait_for(timeout=30_000)
    for index in (0, 1):  # out of sight a panel draws nothing
        panel = nb.page.locator(INSIDE).nth(index)
        panel.scroll_into_view_if_needed()
        panel.locator("[data-gc='cell-row'][data-cell-id='c3']").wait_for(timeout=15_000)
    assert nb.errors == []
