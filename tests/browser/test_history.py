"""The past of a notebook in the panel: asked when opened, over restarts, with a trend per cell."""

from __future__ import annotations

from typing import Any

import pytest

from lab_support import Notebook

pytestmark = pytest.mark.browser

WORK = (
    "import time\nend = time.monotonic() + seconds\nwhile time.monotonic() < end: sum(range(1000))"
)
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


def session_of(nb: Notebook, seconds: float) -> None:
    """A session in which the work takes so long."""
    nb.run(0)
    nb.page.evaluate(
        "code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({code, silent: true}).done.then(() => null)",
        f"seconds = {seconds}",
    )
    nb.run(1)


def test_sessions_and_trends_over_restarts(open_notebook: Any) -> None:
    """Nothing is asked until it is opened; then sums, states, and a trend that leads to its cell."""
    nb = open_notebook(["x = 1", WORK])
    nb.wait_idle()
    nb.enable()
    session_of(nb, 1.5)
    for seconds in (1.5, 0.4):
        nb.page.evaluate(RESTART)
        nb.wait_idle()
        nb.page.get_by_text("Measuring goes on").wait_for(timeout=30_000)
        session_of(nb, seconds)
    section = nb.page.locator("[data-gc='history']")
    assert section.locator("li").count() == 0

    section.locator("summary").click()
    trend = section.locator("[data-gc='history-trend'][data-cell-id='c1']")
    for _ in range(20):  # the history's own thread writes soon after the cell
        trend.wait_for(timeout=15_000)
        points = trend.locator("polyline").get_attribute("points") or ""
        if len(points.split()) == 3:
            break
        section.get_by_role("button", name="Update").click()
        nb.page.wait_for_timeout(100)

    assert len(points.split()) == 3
    rows = section.locator("[data-gc='history-session']")
    states = [rows.nth(i).get_attribute("data-state") for i in range(rows.count())]
    assert states[0] == "running" and len(states) == 3
    assert "this one" in rows.first.inner_text()
    energies = [float(rows.nth(i).get_attribute("data-energy-j") or "nan") for i in range(3)]
    total = section.locator("[data-gc='history-total']")
    assert float(total.get_attribute("data-energy-j") or "nan") == pytest.approx(sum(energies))
    assert "over 3 sessions" in total.inner_text()
    nb.page.locator(".jp-Notebook .jp-Cell").first.click()
    trend.focus()
    nb.page.keyboard.press("Enter")
    nb.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 1"
    )
    assert nb.errors == []


def test_a_narrow_panel_cuts_nothing_off(open_notebook: Any) -> None:
    """At 250 px no row of the section is wider than the panel."""
    nb = open_notebook(["x = 1", "seconds = 0.3\n" + WORK])
    nb.wait_idle()
    nb.enable()
    nb.run(1)
    nb.run(1)
    section = nb.page.locator("[data-gc='history']")
    section.locator("summary").click()
    section.locator("[data-gc='history-session']").wait_for(timeout=15_000)
    wider = nb.page.evaluate(
        """() => {
          const panel = document.querySelector("[data-gc='panel']");
          panel.style.width = '250px';
          return [...panel.querySelectorAll("[data-gc='history'] *")].filter(
            e => e.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1).map(e => e.outerHTML.slice(0, 120));
        }"""
    )
    assert wider == []


def test_a_history_that_is_off_says_so(open_notebook: Any) -> None:
    """One line, and how to have one."""
    nb = open_notebook(["import os\nos.environ['GREENCELL_HISTORY'] = 'off'", "x = 1"])
    nb.wait_idle()
    nb.run(0)
    nb.enable()
    nb.run(1)
    section = nb.page.locator("[data-gc='history']")
    section.locator("summary").click()
    section.get_by_text("GREENCELL_HISTORY=on keeps it").wait_for(timeout=15_000)
    assert section.locator("li").count() == 0
