"""Accessibility in a real JupyterLab: axe-core's rules, the keyboard, and what is announced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser

CELLS = ["a = 1", "import time; time.sleep(0.4)", "1/0", "b = 2"]
PANEL = "[data-gc='panel']"
ROWS = "[data-gc='cell-row']"
HEARD = "[data-gc='announcement']"
THEMES = ("JupyterLab Dark", "JupyterLab Dark High Contrast", "JupyterLab Light")
#: Whether the element with the focus is one of ours, and what it is called.
FOCUSED = """() => {
    const node = document.activeElement;
    if (!node.closest("[data-gc='panel']")) return null;
    const style = getComputedStyle(node);
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    return [node.tagName.toLowerCase(), node.dataset.gc ?? '', node.ariaLabel || node.title || (node.labels?.[0] ?? node).textContent.trim(), seen];
}"""


def in_each_theme(page: Any) -> Iterator[str]:
    """Light, dark and high contrast, one after the other."""
    for theme in THEMES:
        page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })",
            theme,
        )
        page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)
        yield theme


def findings(page: Any, *selectors: str) -> list[str]:
    """What axe-core holds against parts of a page or cannot judge for sure, one line each."""
    for selector in selectors:
        page.locator(selector).first.wait_for()
    # At each change of theme JupyterLab's splash screen lies over everything for a moment.
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    # JupyterLab's body has no height, and axe-core takes all that is in it for out of sight.
    page.evaluate("() => { document.body.style.height = '100vh' }")
    answer = Axe().run(page, {"include": [[one] for one in selectors]}, None).response
    assert "color-contrast" in {passed["id"] for passed in answer["passes"]}
    unsure = [found for found in answer["incomplete"] if found["id"] != "color-contrast"]
    return [
        f"{found['id']} ({found['impact']}): {node['target'][-1]} {node['failureSummary'][:300]}"
        for found in answer["violations"] + unsure
        for node in found["nodes"]
    ]


@pytest.fixture
def ran(open_notebook: Any) -> Any:
    """A notebook whose cells have run, the first one twice."""
    nb = open_notebook(CELLS)
    nb.wait_idle()
    nb.enable()
    for index in (0, 1, 2, 3, 0):
        nb.run(index)
    nb.page.wait_for_function(f'() => document.querySelectorAll("{ROWS}").length === 5')
    return nb


def test_axe_has_nothing_against_the_figures(ran: Any) -> None:
    """With every section open."""
    page = ran.page
    for summary in page.locator(f"{PANEL} details:visible > summary").all():
        summary.click()
    page.locator("[data-gc='elsewhere-row']").first.wait_for(timeout=15_000)

    for theme in in_each_theme(page):
        assert findings(page, PANEL, "[data-gc='badge']", "[data-gc='status']") == [], theme


def test_axe_has_nothing_against_a_cell_that_runs(open_notebook: Any) -> None:
    """The chart, the figures of now, and a badge that counts."""
    nb = open_notebook(["import time; time.sleep(120)"])
    nb.wait_idle()
    nb.enable()
    nb.run(0, wait=False)
    nb.page.locator("[data-gc='cell-running']").wait_for(state="visible")
    nb.page.locator("[data-gc='chart'] canvas").first.wait_for()

    for theme in in_each_theme(nb.page):
        assert findings(nb.page, PANEL, "[data-gc='badge']") == [], theme


def test_axe_has_nothing_against_the_first_step_and_the_dialog(open_notebook: Any) -> None:
    """Before measuring, and where the electricity comes from."""
    nb = open_notebook(CELLS)
    nb.wait_idle()
    page = nb.page
    nb.show_panel()
    page.locator("[data-gc='enable']").wait_for()
    for theme in in_each_theme(page):
        assert findings(page, PANEL) == [], theme

    nb.enable()
    page.locator("[data-gc='zone']").click()
    for theme in in_each_theme(page):
        assert findings(page, ".jp-Dialog-body") == [], theme


def test_everything_is_reached_by_the_keyboard(ran: Any) -> None:
    """In the order in which it stands there, with a ring around it, and out at the other end."""
    page = ran.page
    page.locator("[data-gc='provenance']").focus()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        reached.append(focused)
    else:
        pytest.fail(f"no way out of the panel: {reached}")

    unnamed = [one for one in reached if not one[2]]
    ringless = [one for one in reached if not one[3]]
    assert unnamed == []
    assert ringless == []
    marks = [mark for _, mark, _, _ in reached if mark]
    wanted = [
        "zone",
        "filter-failed",
        "filter-again",
        "sort-order",
        "sort-energy",
        "sort-power",
        "cell-row",
        "export",
    ]
    assert [mark for mark in marks if mark in wanted] == wanted
    assert [tag for tag, *_ in reached].count("summary") == page.locator(
        f"{PANEL} details:visible > summary"
    ).count()


def test_what_ended_is_told_politely(ran: Any) -> None:
    """In a sentence; what changes every second is in no live region."""
    page = ran.page
    heard = page.locator(HEARD)
    assert heard.get_attribute("role") == "status"
    page.wait_for_function(f'() => document.querySelector("{HEARD}").textContent !== ""')
    page.evaluate(
        f"""() => {{
            window.said = [];
            new MutationObserver(() => window.said.push(document.querySelector("{HEARD}").textContent))
                .observe(document.querySelector("{HEARD}"), {{ childList: true, characterData: true, subtree: true }});
        }}"""
    )
    ran.run(1)
    ran.run(1)
    page.wait_for_function("() => window.said.length > 0", timeout=20_000)

    said = page.evaluate("() => window.said[0]")
    assert "ended" in said or "finished" in said
    assert "Wh" in said and "CO₂e" in said
    live = "[aria-live]:not([aria-live='off']), [role='status'], [role='alert']"
    for mark in ("session-energy", "session-co2", "power", "cell-running", "badge", "status"):
        for node in page.locator(f"[data-gc='{mark}']").all():
            assert node.evaluate("(n, live) => n.closest(live) === null", live), mark


def test_the_status_bar_is_reached_by_the_keyboard_and_leads_to_the_panel(ran: Any) -> None:
    """And the key that opens the panel takes the focus there, and back."""
    page = ran.page
    within = f'() => document.querySelector("{PANEL}").contains(document.activeElement)'
    ran.command("application:toggle-right-area")
    page.locator(PANEL).wait_for(state="hidden")
    item = page.locator("[data-gc='status'] [role='button']")
    item.focus()
    assert item.evaluate("node => node === document.activeElement")
    page.keyboard.press("Enter")
    page.locator(PANEL).wait_for(state="visible")
    page.wait_for_function(within)

    page.keyboard.press("Control+Alt+e")
    page.wait_for_function("() => document.activeElement.closest('.jp-Notebook') !== null")
    page.keyboard.press("Control+Alt+e")
    page.wait_for_function(within)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) is not None
