"""Badges follow what people do with cells: one under each cell that ran, none under any other."""

from __future__ import annotations

import shutil
import time
from typing import Any

import pytest

pytestmark = pytest.mark.browser

BADGE = "[data-gc='badge']"
# Of each cell of the notebook that is shown, from top to bottom: whose badges stand in it.
PLACES = """() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell')].map(
    cell => [...cell.querySelectorAll("[data-gc='badge']")].map(one => one.dataset.cellId).join(' '))"""
# The words of all badges, for each view of a notebook.
EACH_VIEW = """() => [...document.querySelectorAll('.jp-NotebookPanel')].map(view =>
    [...view.querySelectorAll("[data-gc='badge']")].map(one => one.textContent))"""
CURRENT = "window.jupyterapp.shell.currentWidget"
CONTENT = f"{CURRENT}.content"
IDS = f"() => [...{CONTENT}.model.cells].map(cell => cell.id)"
HIDE_OR_SHOW = "greencell:toggle-badges"
SETTLED_S = 0.4
"""Badges are put in place 50 ms after a change, so what has stayed so for this long is the end."""


def places_are(nb: Any, *expected: str, timeout_s: float = 10) -> None:
    """Wait until these badges stand in the cells, one word for each cell, and stay there."""
    deadline = time.monotonic() + timeout_s
    since = None
    while True:
        found = nb.page.evaluate(PLACES)
        now = time.monotonic()
        if found != list(expected):
            assert now < deadline, f"badges stand in {found}, not in {list(expected)}"
            since = None
        elif since is None:
            since = now
        elif now - since > SETTLED_S:
            return
        nb.page.wait_for_timeout(40)


def at(nb: Any, index: int) -> Any:
    """The cell at a place of the notebook."""
    return nb.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']")


def execute(nb: Any, command: str) -> None:
    """Run a command and wait for its end."""
    nb.page.evaluate("async id => { await window.jupyterapp.commands.execute(id) }", command)


def do(nb: Any, command: str, index: int) -> None:
    """Run a command of the notebook on one cell and wait for its end."""
    at(nb, index).locator(".jp-InputPrompt").click()
    execute(nb, command)


def scroll(nb: Any, index: int) -> None:
    """Bring a cell onto the screen and wait until it is built."""
    nb.page.evaluate(f"i => {CONTENT}.scrollToItem(i, 'center')", index)
    at(nb, index).locator(".cm-line").wait_for()


def text_of(nb: Any, cell_id: str) -> str:
    """What the only badge of a cell says."""
    badge = nb.page.locator(f"{BADGE}[data-cell-id='{cell_id}']")
    assert badge.count() == 1
    return badge.inner_text()


@pytest.fixture
def ran(open_notebook: Any) -> Any:
    """A notebook of four cells that have all run."""
    nb = open_notebook(["a = 1\nb = 2", "c = 3", "d = 4", "e = 5"])
    nb.wait_idle()
    nb.enable()
    for index in range(4):
        nb.run(index)
    places_are(nb, "c0", "c1", "c2", "c3")
    return nb


def test_a_badge_goes_where_its_cell_goes(ran: Any) -> None:
    """Moved, cut and pasted, deleted and brought back, Markdown for a while: the same words."""
    before = {cell: text_of(ran, cell) for cell in ("c0", "c1", "c2", "c3")}
    assert all("Wh" in text and "CO₂e" in text for text in before.values())

    do(ran, "notebook:move-cell-down", 0)
    places_are(ran, "c1", "c0", "c2", "c3")
    do(ran, "notebook:move-cell-up", 3)
    places_are(ran, "c1", "c0", "c3", "c2")
    do(ran, "notebook:cut-cell", 0)
    places_are(ran, "c0", "c3", "c2")
    do(ran, "notebook:paste-cell-below", 2)
    places_are(ran, "c0", "c3", "c2", "c1")
    do(ran, "notebook:delete-cell", 1)
    places_are(ran, "c0", "c2", "c1")
    execute(ran, "notebook:undo-cell-action")
    places_are(ran, "c0", "c3", "c2", "c1")
    do(ran, "notebook:change-cell-to-markdown", 1)
    places_are(ran, "c0", "", "c2", "c1")
    do(ran, "notebook:change-cell-to-code", 1)
    places_are(ran, "c0", "c3", "c2", "c1")

    assert {cell: text_of(ran, cell) for cell in before} == before
    # A cell that goes in the same turn in which its code changed is asked nothing any more.
    ran.page.evaluate(
        f"() => {{ const {{ sharedModel }} = {CONTENT}.model;"
        " sharedModel.getCell(1).setSource('z'); sharedModel.deleteCell(1) }"
    )
    places_are(ran, "c0", "c2", "c1")
    assert ran.errors == []


def test_other_cells_show_no_figure(ran: Any) -> None:
    """A copy, the first part of a split cell and what two cells were merged into have not run."""
    page = ran.page
    before = text_of(ran, "c0")
    do(ran, "notebook:copy-cell", 1)
    do(ran, "notebook:paste-cell-below", 1)
    places_are(ran, "c0", "c1", "", "c2", "c3")
    do(ran, "notebook:duplicate-below", 4)
    places_are(ran, "c0", "c1", "", "c2", "c3", "")
    do(ran, "notebook:merge-cell-below", 3)
    places_are(ran, "c0", "c1", "", "", "")

    at(ran, 0).locator(".cm-line").first.click()
    page.keyboard.press("End")
    execute(ran, "notebook:split-cell-at-cursor")
    places_are(ran, "", "c0", "c1", "", "", "")
    # JupyterLab leaves the id with the last part: the figure is of what ran, and says so.
    assert text_of(ran, "c0") == f"{before} · changed since"
    ran.run(1)
    ran.run(0)
    first = page.evaluate(IDS)[0]
    places_are(ran, first, "c0", "c1", "", "", "")
    assert "changed since" not in text_of(ran, "c0") + text_of(ran, first)
    assert ran.errors == []


def test_of_two_cells_with_one_id_neither_shows_a_figure(ran: Any) -> None:
    """Nobody knows which of them ran; JupyterLab makes such a pair of "cut, undo, paste"."""
    do(ran, "notebook:cut-cell", 1)
    execute(ran, "notebook:undo-cell-action")
    places_are(ran, "c0", "c1", "c2", "c3")
    do(ran, "notebook:paste-cell-below", 2)
    assert ran.page.evaluate(IDS) == ["c0", "c1", "c2", "c1", "c3"]
    places_are(ran, "c0", "", "c2", "", "c3")
    ran.run(3)
    places_are(ran, "c0", "", "c2", "", "c3")
    do(ran, "notebook:delete-cell", 3)
    places_are(ran, "c0", "c1", "c2", "c3")


def test_the_latest_run_is_shown_and_its_code_compared(open_notebook: Any) -> None:
    """The tooltip tells the runs before; a cell that is edited says so until it runs again."""
    nb = open_notebook(["import time; time.sleep(0.01)", "b = 2"])
    page = nb.page
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    places_are(nb, "c0", "")
    badge = page.locator(BADGE)
    assert "runs in this session" not in str(badge.get_attribute("title"))
    first = badge.inner_text()

    at(nb, 0).locator(".cm-line").click()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.type("+ 0.6)")
    badge.filter(has_text="changed since").wait_for()
    assert badge.inner_text() == f"{first} · changed since"
    nb.run(0)
    badge.filter(has_not_text="changed since").filter(has_text="6").wait_for()
    places_are(nb, "c0", "")
    title = str(badge.get_attribute("title"))
    assert "2 runs in this session, together" in title and "Latest first:" in title
    assert "The code is not that of the run before" in title
    nb.run(0)
    page.wait_for_function(
        "() => document.querySelector(\"[data-gc='badge']\").title.includes('3 runs')"
    )
    assert "energy than the run before" in str(badge.get_attribute("title")) or (
        "No difference to the run before is shown" in str(badge.get_attribute("title"))
    )


@pytest.mark.parametrize("mode", ["defer", "full", "contentVisibility", "none"])
def test_a_badge_far_away_is_there_when_it_is_scrolled_to(
    open_notebook: Any, lab: Any, mode: str
) -> None:
    """In every way in which JupyterLab spares itself what is not on the screen."""
    lab.set("@jupyterlab/notebook-extension:tracker", windowingMode=mode)
    nb = open_notebook([f"x = {index}" for index in range(200)])
    page = nb.page
    nb.wait_idle()
    assert page.evaluate(f"() => {CONTENT}.notebookConfig.windowingMode") == mode
    nb.enable()
    scroll(nb, 150)
    # Not by a click: while a windowed list settles, a cell's place is not its own for long.
    page.evaluate(f"() => {{ {CONTENT}.activeCellIndex = 150; }}")
    execute(nb, "notebook:run-cell")
    badge = page.locator(BADGE)
    badge.wait_for()
    nb.wait_idle()
    before = badge.inner_text()

    # The page comes back knowing nothing, and learns the figure while the cell is far away.
    page.goto(page.url.replace("?reset", "?"))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    nb.show_panel()
    page.locator("[data-gc='cell-row']").wait_for(timeout=20_000)
    execute(nb, HIDE_OR_SHOW)
    scroll(nb, 150)
    page.wait_for_timeout(1000 * SETTLED_S)
    assert badge.count() == 0
    execute(nb, HIDE_OR_SHOW)
    badge.wait_for()
    scroll(nb, 0)
    scroll(nb, 150)
    assert badge.count() == 1 and badge.is_visible()
    assert badge.get_attribute("data-cell-id") == "c150" and badge.inner_text() == before
    assert nb.errors == []


def test_each_view_of_a_notebook_shows_its_badges(open_notebook: Any) -> None:
    """The same words in both, of what ran before and after the second was opened; hidden in both."""
    nb = open_notebook(["a = 1", "b = 2"])
    page = nb.page
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    page.locator(BADGE).wait_for()
    execute(nb, "docmanager:clone")
    page.locator(BADGE).nth(1).wait_for(timeout=20_000)
    first, second = page.evaluate(EACH_VIEW)
    assert len(first) == 1 and first == second

    page.evaluate(f"() => {{ {CONTENT}.activeCellIndex = 1 }}")
    execute(nb, "notebook:run-cell")
    page.wait_for_function(f'n => document.querySelectorAll("{BADGE}").length === n', arg=4)
    page.wait_for_function(f"() => {{ const [a, b] = ({EACH_VIEW})(); return a[1] === b[1] }}")
    execute(nb, HIDE_OR_SHOW)
    page.wait_for_function(f'() => !document.querySelector("{BADGE}")')
    execute(nb, HIDE_OR_SHOW)
    page.wait_for_function(f'n => document.querySelectorAll("{BADGE}").length === n', arg=4)
    first, second = page.evaluate(EACH_VIEW)
    assert len(first) == 2 and first == second
    assert nb.errors == []


def test_a_copied_file_shows_only_what_ran_in_it(open_notebook: Any, lab: Any) -> None:
    """Its cells have the ids of the other's: on a kernel of its own, and on the same one."""
    nb = open_notebook(["a = 1", "b = 2"])
    page = nb.page
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    places_are(nb, "c0", "")
    execute(nb, "docmanager:save")
    copy = f"copy of {nb.name}"
    shutil.copy(lab.root / nb.name, lab.root / copy)
    page.evaluate(f"() => {{ window.first = {CURRENT}.sessionContext.session.kernel.id }}")
    page.evaluate(
        "path => window.jupyterapp.commands.execute('docmanager:open', { path }).then(() => true)",
        copy,
    )
    nb.wait_idle()
    places_are(nb, "", "")
    page.evaluate(f"() => {CURRENT}.sessionContext.changeKernel({{ id: window.first }})")
    page.locator("[data-gc='cell-row']").wait_for()  # it knows what ran on this kernel
    places_are(nb, "", "")

    for index in (1, 0):
        page.evaluate(f"i => {{ {CONTENT}.activeCellIndex = i }}", index)
        execute(nb, "notebook:run-cell")
    places_are(nb, "c0", "c1")
    original, copied = page.evaluate(EACH_VIEW)
    assert len(original) == 1 and original[0] != copied[0]
    assert nb.errors == []


def test_badges_come_back_with_the_notebook(open_notebook: Any) -> None:
    """Closed and opened again on the kernel that went on; a reload does the same."""
    nb = open_notebook(["a = 1", "b = 2", "c = 3"])
    page = nb.page
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.run(2)
    places_are(nb, "c0", "", "c2")
    before = [text_of(nb, "c0"), text_of(nb, "c2")]
    execute(nb, "docmanager:save")
    execute(nb, "application:close")
    page.wait_for_function("() => !document.querySelector('.jp-NotebookPanel')")
    page.evaluate(
        "path => window.jupyterapp.commands.execute('docmanager:open', { path }).then(() => true)",
        nb.name,
    )
    places_are(nb, "c0", "", "c2", timeout_s=20)
    assert [text_of(nb, "c0"), text_of(nb, "c2")] == before
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    places_are(nb, "c0", "", "c2", timeout_s=20)
    assert [text_of(nb, "c0"), text_of(nb, "c2")] == before


def test_badges_are_hidden_and_shown_by_command(ran: Any) -> None:
    """Exactly one under each cell that ran, however often; also under one that ran meanwhile."""
    before = text_of(ran, "c1")
    execute(ran, HIDE_OR_SHOW)
    places_are(ran, "", "", "", "")
    ran.run(0)
    places_are(ran, "", "", "", "")
    for _ in range(3):
        ran.command(HIDE_OR_SHOW)  # without waiting for the one before
    places_are(ran, "c0", "c1", "c2", "c3")
    assert text_of(ran, "c1") == before
    title = ran.page.locator(f"{BADGE}[data-cell-id='c0']").get_attribute("title")
    assert "2 runs in this session" in str(title)
