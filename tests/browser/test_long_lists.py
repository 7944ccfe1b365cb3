"""Lists of any length in panels of any width: nothing is cut off, and no column is out of place."""

from __future__ import annotations

from typing import Any

import pytest
from wire_feed import answer, cell_end, example, record, reply, snapshot, tell

pytestmark = pytest.mark.browser

COUNTS = (10, 230, 1_000, 3_000)
WIDTHS = (250, 300, 400, 550, 700)
ROWS = "[data-gc='cell-row']"
CELLS = [
    "import pandas",
    "model = train(frame, epochs=20, batch_size=64, callbacks=[early_stopping])",
    *"abcde",
]
#: Runs of all kinds, one after the other: those with most to say are there at any length.
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"provenance": "estimated", "energy_j": 40.0, "energy_low_j": 16.0, "energy_high_j": 80.0},
    {"status": "error"},
    {"flags": ["gap"], "energy_j": 3.6e6, "energy_low_j": 3.5e6, "energy_high_j": 3.7e6},
    {"flags": ["too-short"]},
    {
        "status": "interrupted",
        "flags": ["concurrent", "gap"],
        "cell_id": "gone",
        "label": "evaluate",
    },
    {"energy_j": None, "energy_low_j": None, "energy_high_j": None, "mean_power_w": None},
)
#: What is wrong with the boxes of the list as it is drawn now.
FAULTS = """() => {
    const found = [], panel = document.querySelector("[data-gc='panel']");
    const box = node => node.getBoundingClientRect();
    const right = box(panel).left + panel.clientLeft + panel.clientWidth;
    if (panel.scrollWidth > panel.clientWidth) found.push('the panel scrolls sideways');
    for (const node of panel.querySelectorAll('*')) {
        if (node.checkVisibility() && box(node).width > 0 && box(node).right > right + 0.5 && !node.closest('.uplot, svg'))
            found.push(`beyond the edge: ${node.className} ${node.textContent.slice(0, 40)}`);
    }
    const cut = node => node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 2;
    const columns = new Set();
    const rows = [...panel.querySelectorAll("[data-gc='cell-row'], [data-gc='between-cells']")];
    for (const row of rows) {
        const [count, main] = row.cells;
        const [name, energy] = main.firstElementChild.children;
        columns.add(`${Math.round(box(main).left)} to ${Math.round(box(main).right)}`);
        const is = what => found.push(`${what}: ${row.innerText.replaceAll('\\n', ' | ')}`);
        if (cut(count)) is('number cut off');
        if (box(energy).right > right || cut(energy)) is('energy cut off');
        if (box(name).right > box(energy).left) is('name under its energy');
        if (box(name).width < 60) is('no room for the name');
        const details = row.querySelector('.gc-Cell-details');
        if (details && cut(details)) is('details cut off');
    }
    if (columns.size !== 1) found.push(`columns from ${[...columns].join(', ')}`);
    const count = rows[0].cells[0];
    if (box(count).width > 70) found.push(`${box(count).width} px for numbers`);
    return found;
}"""
SCROLL = """share => {
    const list = document.querySelector('.gc-Cells-scroller');
    list.scrollTop = share * (list.scrollHeight - list.clientHeight);
    return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
IN_THE_MIDDLE = """() => {
    const view = document.querySelector('.gc-Cells-scroller').getBoundingClientRect();
    return document.elementFromPoint(view.left + 60, view.top + view.height / 2).closest('tr').dataset.run;
}"""
FOCUSED = "() => document.activeElement.dataset.run"
#: How far a row in view moves on the screen when the list is scrolled by so much.
MOVED = """async by => {
    const list = document.querySelector('.gc-Cells-scroller'), view = list.getBoundingClientRect();
    const row = [...list.querySelectorAll("[data-gc='cell-row']")].find(one => one.getBoundingClientRect().top > view.top + 150);
    const before = row.getBoundingClientRect().top;
    list.scrollTop += by;
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return row.isConnected ? before - row.getBoundingClientRect().top : by;
}"""
#: Let cells end one after the other, each in a frame of its own; how long each frame's work took, in ms.
FRAMES = """async ends => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session, took = [];
    for (const data of ends) {
        const began = performance.now();
        kernel._iopubMessage.emit({ header: { msg_type: 'comm_msg' }, parent_header: {}, content: { comm_id: 'greencell', data } });
        const heard = performance.now() - began;
        await new Promise(done => requestAnimationFrame(() => {
            const drawing = performance.now();
            setTimeout(() => { took.push(heard + performance.now() - drawing); done(); }); // after what else is due in this frame
        }));
    }
    return took.sort((a, b) => a - b);
}"""


def runs(count: int) -> list[dict[str, Any]]:
    return [record(number, **KINDS[number % len(KINDS)]) for number in range(1, count + 1)]


@pytest.fixture
def wide(open_notebook: Any) -> Any:
    """A notebook with room for the widest panel; its kernel measures nothing, and need not."""
    nb = open_notebook(CELLS)
    nb.page.set_viewport_size({"width": 1500, "height": 900})
    nb.wait_idle()
    nb.show_panel()
    return nb


def test_cells_of_any_number_fit_in_panels_of_any_width(wide: Any) -> None:
    """At the top of the list, in its middle and at its end."""
    page = wide.page
    found = {}
    for count in COUNTS:
        tell(page, snapshot(runs(count), session=f"of {count}"))
        page.locator(ROWS).filter(has_text=f"[{count}]").wait_for()
        for width in WIDTHS:
            wide.set_panel_width(width)
            for share in (0, 0.5, 1):
                page.evaluate(SCROLL, share)
                faults = page.evaluate(FAULTS)
                if faults:
                    found[count, width, share] = faults[:5]
        assert page.locator(ROWS).last.inner_text().startswith("[1]")
    assert found == {}
    assert wide.errors == []


def test_the_running_cell_and_the_other_lists_fit_too(wide: Any) -> None:
    """The past of the notebook and other places, as long as a kernel makes them."""
    page = wide.page
    past = reply("history")
    session, cell = past["history"]["sessions"][1], past["history"]["cells"][0]
    past["history"]["sessions"] = [
        {**session, "id": str(n), "energy_j": 3.3e6, "energy_low_j": 1e6, "energy_high_j": 9e6}
        for n in range(50)
    ]
    past["history"]["cells"] = [
        {**cell, "cell_id": f"c{n % 7}", "label": "a rather long name" if n % 2 else None}
        for n in range(200)
    ]
    answer(page, "history", past)
    places = reply("what-if")
    row = places["what_if"]["elsewhere"]["rows"][2]
    names = (
        "United States, District of Columbia",
        "Taiwan",
        "The Democratic Republic of the Congo",
    )
    places["what_if"]["elsewhere"]["rows"] += [
        {**row, "zone": f"Z-{n}", "zone_name": names[n % 3], "is_comparable": True, "ratio": 16.4}
        for n in range(9)
    ]
    answer(page, "what-if", places)
    running = {**example("snapshot")["running"], "cell_id": "c1", "label": None}
    tell(page, snapshot(runs(230), running=running))
    page.locator("[data-gc='cell-running']").wait_for()
    for mark in ("history", "what-if", "waste", "method"):
        page.locator(f"[data-gc='{mark}'] > summary").click()
    page.locator("[data-gc='history-trend']").nth(199).wait_for()
    page.locator("[data-gc='elsewhere-row']").nth(11).wait_for()

    for width in WIDTHS:
        wide.set_panel_width(width)
        assert page.evaluate(FAULTS) == [], width
    assert wide.errors == []


def test_a_longer_number_moves_all_rows_alike(wide: Any) -> None:
    """The hundredth run has three digits."""
    page = wide.page
    tell(page, snapshot(runs(99)))
    page.locator(ROWS).filter(has_text="[99]").wait_for()
    wide.set_panel_width(250)
    tell(page, cell_end(100))
    page.locator(ROWS).filter(has_text="[100]").wait_for()
    assert page.evaluate(FAULTS) == []


def test_rows_stay_under_the_eye_while_a_long_list_is_scrolled(wide: Any) -> None:
    """Their heights differ, and those above were never drawn: from the end up, and from the top down."""
    page = wide.page
    tell(page, snapshot(runs(1_000)))
    page.locator(ROWS).filter(has_text="[1000]").wait_for()
    wide.set_panel_width(250)
    for share, by in ((1, -150), (0, 150)):
        page.evaluate(SCROLL, share)
        moved = [page.evaluate(MOVED, by) for _ in range(25)]
        assert moved == pytest.approx([by] * 25, abs=2)


def test_a_new_row_pushes_none_away_that_somebody_looks_at(wide: Any) -> None:
    """Neither the first row in view of a list that is scrolled, nor the one with the focus at its top."""
    page = wide.page
    tell(page, snapshot(runs(1_000)))
    page.locator(ROWS).filter(has_text="[1000]").wait_for()
    wide.set_panel_width(300)
    page.evaluate(SCROLL, 0.5)
    middle = page.evaluate(IN_THE_MIDDLE)
    for number in range(1_001, 1_031):
        tell(page, cell_end(number))
    page.wait_for_function(
        "() => document.querySelector('.gc-Cells').getAttribute('aria-rowcount') === '1030'"
    )
    page.evaluate(SETTLED)
    assert page.evaluate(IN_THE_MIDDLE) == middle

    page.evaluate(SCROLL, 0)
    page.locator(ROWS).nth(2).focus()
    focused = page.evaluate(FOCUSED)
    for number in range(1_031, 1_061):
        tell(page, cell_end(number))
    page.locator("[aria-rowcount='1060']").wait_for()
    page.evaluate(SETTLED)
    assert page.evaluate(FOCUSED) == focused


def test_the_end_of_a_cell_costs_a_long_list_little(wide: Any) -> None:
    """No frame of most is longer than 50 ms, and only rows in view are there: nested runs, in batches."""
    page = wide.page
    tell(page, snapshot(runs(3_000)))
    page.locator(ROWS).filter(has_text="[3000]").wait_for()
    ends = [
        {
            **cell_end(100 * batch, parent=3_001),
            "records": [record(3_000 + 100 * batch + n, parent=3_001) for n in range(1, 101)],
        }
        for batch in range(1, 16)
    ]
    for end in ends:
        end["record"] = end["records"][-1]
    took = page.evaluate(FRAMES, ends)
    page.locator(ROWS).filter(has_text="[4600]").wait_for()
    assert page.locator("[data-gc='cell-row']").count() < 100
    assert page.locator(".gc-Cells").get_attribute("aria-rowcount") == "4500"
    assert took[len(took) // 2] < 50, took
