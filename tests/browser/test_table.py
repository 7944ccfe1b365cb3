"""The table of cells in a real JupyterLab."""

from __future__ import annotations

from typing import Any

import pytest

CELLS = ["a = 1", "import time; time.sleep(2)", "1/0", "b = 2"]
ROWS = "[data-gc='cell-row']"


def rows(page: Any) -> list[str | None]:
    return [row.get_attribute("data-cell-id") for row in page.locator(ROWS).all()]


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


def test_rows_can_be_sorted_and_filtered(ran: Any) -> None:
    """By a click, the other way round by another; failed ones and those that ran again."""
    page = ran.page
    assert rows(page) == ["c0", "c3", "c2", "c1", "c0"]
    page.locator("[data-gc='sort-time']").click()
    assert rows(page)[0] == "c1"
    page.locator("[data-gc='sort-time']").click()
    assert rows(page)[-1] == "c1"
    page.locator("[data-gc='sort-order']").click()
    page.locator("[data-gc='filter-failed']").click()
    assert rows(page) == ["c2"]
    page.locator("[data-gc='filter-again']").click()
    assert rows(page) == ["c0", "c0"]
    page.locator("[data-gc='filter-again']").click()
    assert len(rows(page)) == 5


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_click_scrolls_to_the_cell_and_flashes_it(open_notebook: Any, motion: Any) -> None:
    """Who wants nothing to move sees an outline instead."""
    nb = open_notebook(["a = 1", *["\n".join(["x = 1"] * 20)] * 8, "z = 1"])
    page = nb.page
    page.emulate_media(reduced_motion=motion)
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    page.locator(ROWS).wait_for()
    page.evaluate("() => jupyterapp.shell.currentWidget.content.scrollToItem(9, 'center')")
    first = ".jp-Notebook .jp-Cell[data-windowed-list-index='0']"
    page.wait_for_function(
        f"""() => {{ const box = document.querySelector("{first}")?.getBoundingClientRect();
                     return !box || box.bottom < 0; }}"""
    )

    page.locator(ROWS).click()

    flashing = page.wait_for_function(
        """() => {
          const cell = document.querySelector('.jp-Notebook .gc-mod-flash');
          if (!cell) return null;
          const style = getComputedStyle(cell), box = cell.getBoundingClientRect();
          return { moves: style.animationName, outline: style.outlineStyle,
                   inView: box.bottom > 0 && box.top < innerHeight };
        }"""
    ).json_value()
    still = motion == "reduce"
    assert flashing["inView"]
    assert flashing["moves"] == ("none" if still else "gc-flash")
    assert not still or flashing["outline"] == "solid"
    page.wait_for_function("() => !document.querySelector('.gc-mod-flash')", timeout=5_000)


def test_selected_rows_are_summed(ran: Any) -> None:
    """By mouse and by keyboard; a plain click leads to the cell and selects nothing."""
    page = ran.page
    every = page.locator(ROWS)
    every.nth(1).click(modifiers=["Control"])
    every.nth(3).click(modifiers=["Shift"])
    selection = page.locator("[data-gc='selection']")
    selection.filter(has_text="3 selected:").wait_for()
    assert "Wh" in selection.inner_text() and "CO₂e" in selection.inner_text()
    every.nth(3).press("Escape")
    selection.wait_for(state="hidden")
    every.nth(0).click()
    assert selection.is_hidden()
    page.wait_for_function(
        "() => document.querySelector('.jp-Notebook .jp-Cell.jp-mod-active')?.dataset"
        ".windowedListIndex === '0'"
    )
    # A notebook that is led to a cell may still take the focus: each key goes to its row.
    every.nth(0).press("ArrowDown")
    every.nth(1).press("Shift+ArrowDown")
    selection.filter(has_text="2 selected:").wait_for()
    every.nth(2).press("Enter")
    page.wait_for_function(
        "() => document.querySelector('.jp-Notebook .jp-Cell.jp-mod-active')?.dataset"
        ".windowedListIndex === '2'"
    )


def test_rows_tell_what_became_of_their_cells(ran: Any) -> None:
    """Edited since, or deleted: the figures are of what ran."""
    page = ran.page
    cell = page.locator(".jp-Notebook .jp-Cell[data-windowed-list-index='1'] .cm-content")
    cell.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("  # and more")
    page.locator(".jp-Notebook .jp-Cell[data-windowed-list-index='3'] .jp-InputPrompt").click()
    ran.command("notebook:delete-cell")
    page.wait_for_function(
        "() => document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === 3"
    )
    ran.run(0)  # any end of a cell brings the table up to date
    page.wait_for_function(f'() => document.querySelectorAll("{ROWS}").length === 6')

    assert "changed since" in page.locator(f"{ROWS}[data-cell-id='c1']").inner_text()
    assert "(deleted cell)" in page.locator(f"{ROWS}[data-cell-id='c3']").inner_text()
    assert "changed since" not in page.locator(f"{ROWS}[data-cell-id='c2']").inner_text()


def test_what_was_spent_again_is_told_once(ran: Any) -> None:
    """What failed, and what ran again later; the parts are the whole."""
    page = ran.page
    waste = page.locator("[data-gc='waste']")
    waste.locator("summary").click()
    kinds = {
        row.get_attribute("data-kind"): float(row.get_attribute("data-energy-j") or 0)
        for row in waste.locator("[data-gc='waste-row']").all()
    }
    assert set(kinds) == {"failed", "overwritten"}
    whole = float(waste.get_attribute("data-energy-j") or 0)
    assert whole == pytest.approx(sum(kinds.values()), rel=1e-9)
    every = {row.get_attribute("data-energy-j") for row in page.locator(ROWS).all()}
    assert {str(value) for value in kinds.values()} <= {str(float(e or 0)) for e in every}
