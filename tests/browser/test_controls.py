"""The panel's controls: by keyboard what the mouse does, nothing by merely moving, large enough to hit."""

from __future__ import annotations

from typing import Any

import pytest
from wire_feed import cell_end, record, snapshot, tell

pytestmark = pytest.mark.browser

PANEL = "[data-gc='panel']"
ROWS = "[data-gc='cell-row']"
EXPORT = "[data-gc='export']"
ENTRIES = ".lm-Menu [role='menuitem']"
FORMATS = ("json", "csv", "md", "html", "tex", "yaml", "svg")
STATEMENTS = 7
FOCUS = "() => document.activeElement.dataset.gc ?? document.activeElement.role ?? ''"
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
#: Whether a cell of the notebook is on the screen.
IN_VIEW = """id => { const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    const cell = cells.find(one => one.model.id === id), box = cell.node.getBoundingClientRect();
    const view = document.querySelector('.jp-NotebookPanel-notebook').getBoundingClientRect();
    return cell.node.checkVisibility() && box.top < view.bottom && box.bottom > view.top; }"""


@pytest.fixture
def told(open_notebook: Any) -> Any:
    """A page that was told of sixty runs in six cells."""
    nb = open_notebook([f"cell = {n}" for n in range(7)])
    nb.wait_idle()
    nb.show_panel()
    tell(nb.page, snapshot([record(n, status="error" if n == 5 else "ok") for n in range(1, 61)]))
    nb.page.locator(ROWS).nth(59).wait_for()
    return nb


@pytest.fixture
def measuring(open_notebook: Any) -> Any:
    """A kernel that measures; a cell has run."""
    nb = open_notebook(["a = 1", "b = 2"])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.page.locator(ROWS).wait_for()
    return nb


def test_exports_are_chosen_by_keyboard(measuring: Any) -> None:
    """Arrows only move, Enter chooses, Escape leaves; the focus comes back to the button."""
    page = measuring.page
    saved: list[Any] = []
    page.on("download", lambda download: saved.append(download))  # noqa: PLW0108 - Playwright marks its handlers
    button = page.locator(EXPORT)
    button.focus()
    for key in ("ArrowDown", "ArrowUp", "ArrowRight", "Home", "End", "j", "PageDown"):
        page.keyboard.press(key)
    assert page.locator(ENTRIES).count() == 0

    page.keyboard.press("Enter")
    page.locator(ENTRIES).first.wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    words = page.locator(ENTRIES).all_inner_texts()
    assert [word.strip() for word in words[: len(FORMATS)]] == [f"Save as .{f}" for f in FORMATS]
    assert len([word for word in words if word.strip().startswith("Copy:")]) == STATEMENTS
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "End", "Home"):
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    page.locator(ENTRIES).first.wait_for(state="detached")
    assert page.evaluate(FOCUS) == "export"
    assert button.get_attribute("aria-expanded") == "false"
    assert saved == []

    page.keyboard.press("Space")
    page.locator(ENTRIES).first.wait_for()
    page.keyboard.press("ArrowDown")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".csv")
    assert page.evaluate(FOCUS) == "export"
    assert len(saved) == 1


def test_exports_are_chosen_by_mouse(measuring: Any) -> None:
    """A second press on the button closes the list."""
    page = measuring.page
    page.locator(EXPORT).click()
    page.locator(ENTRIES).first.wait_for()
    page.locator(EXPORT).click()
    page.locator(ENTRIES).first.wait_for(state="detached")
    with page.expect_download() as download:
        measuring.export("Save as .svg")
    assert download.value.suggested_filename.endswith(".svg")


def test_the_palette_has_every_export(measuring: Any) -> None:
    """Each format and each statement by its name, and each can be run."""
    page = measuring.page
    measuring.command("apputils:activate-command-palette")
    page.locator(".lm-CommandPalette-input").fill("Export Energy")
    for name in FORMATS:
        page.locator(".lm-CommandPalette-item", has_text=f"as .{name}").wait_for()
    page.locator(".lm-CommandPalette-input").fill("Copy a Statement")
    page.wait_for_function(
        "n => document.querySelectorAll('.lm-CommandPalette-item').length >= n", arg=STATEMENTS
    )
    assert (
        page.locator(".lm-CommandPalette-item", has_text="Copy a Statement").count() == STATEMENTS
    )
    page.locator(".lm-CommandPalette-input").fill("Export Energy tex")
    with page.expect_download() as download:
        page.locator(".lm-CommandPalette-item", has_text="as .tex").click()
    assert download.value.suggested_filename.endswith(".tex")


def test_moving_by_keyboard_does_nothing_else(told: Any) -> None:
    """Over all controls, one by one, with the keys that move: nothing is sent, sorted or selected."""
    page = told.page
    page.evaluate(
        """() => { window.sent = [];
        const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
        kernel.sendControlMessage = message => { if (message.header.msg_type === 'greencell_request') window.sent.push(message.content); return { done: new Promise(() => 0), dispose() {} }; };
        }"""
    )
    assert page.locator(f"{PANEL} select, {PANEL} input[type='radio']").count() == 0
    state = f"""() => [...document.querySelectorAll("{PANEL} *")].filter(node => node.checkVisibility()).map(node =>
        [node.ariaPressed, node.ariaSelected, node.open, node.checked, node.dataset.direction].join()).join('|')
        + document.querySelectorAll('.lm-Menu, .jp-Dialog').length"""
    page.locator("[data-gc='provenance']").focus()
    before = page.evaluate(state)
    for _ in range(60):
        for key in ("ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "PageDown", "PageUp"):
            page.keyboard.press(key)
        page.keyboard.press("Tab")
        if not page.evaluate(f'() => document.activeElement.closest("{PANEL}") !== null'):
            break
    assert page.evaluate(state) == before
    assert page.evaluate("() => window.sent") == []


def test_sort_and_filter_by_keyboard_as_by_mouse(told: Any) -> None:
    """Enter and Space press the button that has the focus."""
    page = told.page
    page.locator("[data-gc='sort-energy']").focus()
    page.keyboard.press("Enter")
    most = page.locator(ROWS).first.get_attribute("data-energy-j")
    page.keyboard.press("Space")
    least = page.locator(ROWS).first.get_attribute("data-energy-j")
    assert float(str(most)) > float(str(least))
    page.locator("[data-gc='filter-failed']").focus()
    page.keyboard.press("Space")
    assert page.locator(ROWS).count() == 1
    page.keyboard.press("Enter")
    assert page.locator(ROWS).count() == 60


def test_the_sum_of_a_selection_stays_in_sight(told: Any) -> None:
    """As long as a part of the list is: at its top as at its end."""
    page = told.page
    told.set_panel_width(300)
    page.locator(ROWS).nth(0).click(modifiers=["Control"])
    page.locator(ROWS).nth(1).click(modifiers=["Control"])
    in_sight = """() => { const box = document.querySelector("[data-gc='selection']").getBoundingClientRect();
        const panel = document.querySelector("[data-gc='panel']").getBoundingClientRect();
        const under = document.elementFromPoint(box.left + 20, box.top + box.height / 2);
        return box.height > 10 && box.top >= panel.top && box.bottom <= panel.bottom + 0.5
            && under.closest("[data-gc='selection']") !== null; }"""
    for index in (0, 20, 59):
        page.locator(ROWS).nth(index).scroll_into_view_if_needed()
        assert page.evaluate(in_sight), index
    page.locator(ROWS).nth(58).click(modifiers=["Shift"])
    page.locator("[data-gc='selection']", has_text="58 selected").wait_for()
    assert page.evaluate(in_sight)


def test_figures_stay_in_place_when_a_cell_starts_and_ends(told: Any) -> None:
    """Only a new row moves the others."""
    page = told.page
    top = f"() => document.querySelector(\"{ROWS}\").closest('table').getBoundingClientRect().top"
    before = page.evaluate(top)
    running = {
        "run": "run-61", "number": 61, "cell_id": "c1", "label": None, "started_at": 1.7e9,
        "elapsed_s": 0.0, "energy_j": None, "energy_low_j": None, "energy_high_j": None,
        "co2_g": None, "mean_power_w": None, "others": 0,
    }  # fmt: skip
    start = {**snapshot([]), "kind": "cell-start", "seq": 60, "running": running}
    tell(page, start)
    page.locator("[data-gc='cell-running']").wait_for(state="visible")
    assert page.evaluate(top) == pytest.approx(before, abs=0.5)
    tell(page, {**cell_end(61), "seq": 61})
    page.locator(ROWS).nth(60).wait_for()
    page.locator("[data-gc='cell-running']").wait_for(state="hidden")
    assert page.evaluate(top) == pytest.approx(before, abs=0.5)


def test_every_text_follows_the_font_size_of_jupyterlab(told: Any) -> None:
    """Half as large again in the theme's settings, half as large again here, and nothing cut off."""
    page = told.page
    page.set_viewport_size({"width": 1500, "height": 1000})
    told.set_panel_width(600)
    for summary in page.locator(f"{PANEL} details:visible > summary").all():
        summary.click()
    sizes = """() => { const found = {};
        for (const node of document.querySelectorAll("[data-gc='panel'], [data-gc='panel'] *, [data-gc='badge']")) {
            const own = [...node.childNodes].some(one => one.nodeType === Node.TEXT_NODE && one.data.trim());
            if (own && node.checkVisibility())
                found[`${node.tagName} ${node.className} in ${node.parentElement.className}`] = parseFloat(getComputedStyle(node).fontSize);
        } return found; }"""
    page.evaluate(SETTLED)
    before = page.evaluate(sizes)
    page.evaluate(
        "() => document.documentElement.style.setProperty('--jp-ui-font-size1', '19.5px')"
    )
    page.evaluate(SETTLED)
    after = page.evaluate(sizes)
    alike = before.keys() & after.keys()
    assert len(alike) > 20
    assert {name: after[name] / before[name] for name in alike} == pytest.approx(
        dict.fromkeys(alike, 1.5), rel=0.02
    )
    assert page.evaluate(f"() => {{ const p = document.querySelector(\"{PANEL}\"); return p.scrollWidth - p.clientWidth }}") <= 0  # fmt: skip


def test_whatever_can_be_hit_is_large_enough(measuring: Any) -> None:
    """24 pixels high and wide, in the panel and under cells."""
    page = measuring.page
    for summary in page.locator(f"{PANEL} details:visible > summary").all():
        summary.click()
    page.locator("[data-gc='elsewhere-row']").first.wait_for(timeout=15_000)
    small = """() => [...document.querySelectorAll("[data-gc='panel'] :is(button, summary, label, select, a, [tabindex='0']), [data-gc='badge'], [data-gc='status'] [role='button']")]
        .filter(node => node.checkVisibility({ visibilityProperty: true }))
        .map(node => [node.className + ' ' + node.textContent.slice(0, 30), node.getBoundingClientRect()])
        .filter(([, box]) => box.height < 23.9 || box.width < 23.9)
        .map(([name, box]) => `${name}: ${box.width} × ${box.height}`)"""
    for width in (250, 400):
        measuring.set_panel_width(width)
        assert page.evaluate(small) == []


#: Counts flashes, which are over before a busy machine looks for one.
FLASHES = """() => {
    window.flashes = 0;
    const count = all => all.forEach(({ target }) => { window.flashes += target.classList.contains('gc-mod-flash'); });
    new MutationObserver(count).observe(document.querySelector('.jp-Notebook'), { subtree: true, attributeFilter: ['class'] });
}"""


@pytest.mark.parametrize("mode", ["full", "defer", "contentVisibility", "none"])
def test_quick_clicks_lead_to_the_last_cell(open_notebook: Any, lab: Any, mode: str) -> None:
    """However JupyterLab draws long notebooks, and without an error."""
    lab.set("@jupyterlab/notebook-extension:tracker", windowingMode=mode)
    nb = open_notebook(["\n".join([f"x = {n}"] * 12) for n in range(120)])
    page = nb.page
    failed: list[str] = []
    page.on("console", lambda line: failed.append(line.text) if line.type == "error" else None)
    nb.wait_idle()
    nb.show_panel()
    tell(page, snapshot([record(n + 1, cell_id=f"c{n}") for n in range(120)]))
    page.locator(ROWS).nth(119).wait_for()

    page.evaluate(FLASHES)
    page.evaluate(
        f"""() => {{ for (const id of ['c110', 'c5', 'c60', 'c119', 'c90', 'c3'])
            document.querySelector(`{ROWS}[data-cell-id='${{id}}']`).click(); }}"""
    )
    page.wait_for_function(IN_VIEW, arg="c3")
    page.wait_for_function("() => window.flashes > 0")
    page.evaluate(f"() => document.querySelector(\"{ROWS}[data-cell-id='c100']\").click()")
    page.wait_for_function(IN_VIEW, arg="c100")
    page.wait_for_timeout(600)  # whatever was late would move it now
    assert page.evaluate(IN_VIEW, "c100")
    active = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id"
    )
    assert active == "c100"
    assert nb.errors == []
    assert [line for line in failed if "scroll" in line.lower()] == []


def test_a_cell_leads_to_its_row(told: Any) -> None:
    """By its context menu and by its badge; the panel opens if it was closed."""
    page = told.page
    selected = f"{ROWS}[aria-selected='true']"
    told.command("application:toggle-right-area")
    page.locator(PANEL).wait_for(state="hidden")
    page.locator(".jp-Notebook .jp-Cell[data-windowed-list-index='3'] .jp-InputPrompt").click(
        button="right"
    )
    page.get_by_role("menuitem", name="Show Energy").click()
    page.locator(selected).wait_for()
    assert page.locator(selected).get_attribute("data-cell-id") == "c3"
    assert page.locator(selected).count() == 1
    assert "[59]" in page.locator(selected).inner_text()  # its latest run
    assert page.evaluate(FOCUS) == "cell-row"

    page.locator("[data-gc='badge'][data-cell-id='c4']").click()
    page.wait_for_function(f"() => document.querySelector(\"{selected}\").dataset.cellId === 'c4'")
    assert page.locator(selected).count() == 1


def test_a_cell_leads_to_its_row_in_a_long_list(told: Any) -> None:
    """The row was not drawn before."""
    page = told.page
    cells = [record(n, cell_id="c1" if n == 7 else "c2") for n in range(1, 1_001)]
    tell(page, snapshot(cells, session="long"))
    page.locator(ROWS).filter(has_text="[1000]").wait_for()
    page.locator("[data-gc='badge'][data-cell-id='c1']").click()
    row = page.locator(f"{ROWS}[aria-selected='true']")
    row.wait_for()
    assert "[7]" in row.inner_text()
    assert page.evaluate(FOCUS) == "cell-row"
    box, panel = row.bounding_box(), page.locator(PANEL).bounding_box()
    assert panel["y"] <= box["y"] and box["y"] + box["height"] <= panel["y"] + panel["height"]
