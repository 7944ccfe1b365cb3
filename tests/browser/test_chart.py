"""The live chart: pointing, zooming, keys, the way to a cell, and the window that is set."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from lab_support import Lab, Notebook

pytestmark = pytest.mark.browser

BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"
CHART = "[data-gc='chart']"
READOUT = "[data-gc='chart-readout']"
RESET = "[data-gc='chart-reset']"
RUNNING = "[data-gc='cell-running']"


@pytest.fixture
def charted(open_notebook: Any) -> Notebook:
    """A notebook with two cells that ran, each for 3 s, and a third one that has not."""
    nb: Notebook = open_notebook([BUSY.format(3), BUSY.format(3) + "\nlast = 1", "quick = 1"])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.run(1)
    nb.page.locator("[data-gc='cell-row'][data-cell-id='c1']").wait_for()
    nb.page.locator(f"{CHART} canvas").wait_for()
    return nb


def _over(nb: Notebook) -> dict[str, float]:
    box = nb.page.locator(f"{CHART} .u-over").bounding_box()
    assert box is not None
    return dict(box)


def _point(nb: Notebook, share: float) -> tuple[float, float]:
    """Move the mouse to a part of the chart's width."""
    box = _over(nb)
    place = (box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    nb.page.mouse.move(*place)
    return place


def _text(nb: Notebook, selector: str) -> str:
    return nb.page.locator(selector).first.inner_text().replace("\u202f", " ")


def _wait_for_text(nb: Notebook, pattern: str) -> None:
    nb.page.wait_for_function(
        "([q, p]) => new RegExp(p).test(document.querySelector(q).innerText)",
        arg=[READOUT, pattern], timeout=5_000,
    )  # fmt: skip


def _keys_to_a_cell(nb: Notebook, prompt: str) -> None:
    """Move the crosshair back in time until it stands on a cell."""
    for _ in range(100):
        if prompt in _text(nb, READOUT):
            return
        nb.page.keyboard.press("ArrowLeft")
    raise AssertionError(f"no {prompt} in the chart: {_text(nb, READOUT)}")


def test_pointing_tells_time_power_and_cell(charted: Notebook) -> None:
    """In the panel's own text; off the chart, the span of it again."""
    nb = charted
    assert _text(nb, READOUT) == "Last 1 min 00 s"

    _point(nb, 0.99)
    _wait_for_text(nb, r"^\d\d:\d\d:\d\d.* · \[2\] import time$")
    cpu = nb.page.locator("[data-gc='chart-component'][data-component='cpu']")
    assert float(cpu.get_attribute("data-power-w") or 0) > 0
    assert re.search(r"CPU.*\sW", cpu.inner_text())

    _point(nb, 0.1)
    _wait_for_text(nb, "between cells")
    assert cpu.get_attribute("data-power-w") is None

    nb.page.mouse.move(10, 10)
    _wait_for_text(nb, "^Last")


def test_a_drag_zooms_and_three_ways_lead_back(charted: Notebook) -> None:
    """The small button, a double click, Escape."""
    nb = charted
    page = nb.page
    ways = [
        lambda: page.locator(RESET).click(),
        lambda: page.mouse.dblclick(*_point(nb, 0.5)),
        lambda: page.locator(CHART).press("Escape"),
    ]
    for way in ways:
        assert page.locator(RESET).is_hidden()
        _point(nb, 0.85)
        page.mouse.down()
        _point(nb, 0.9)
        _point(nb, 0.99)
        page.mouse.up()
        page.locator(RESET).wait_for()
        page.mouse.move(10, 10)
        _wait_for_text(nb, r"\d\d:\d\d.* – .*\d\d:\d\d")
        way()
        page.locator(RESET).wait_for(state="hidden")
    assert nb.errors == []


def test_a_zoomed_chart_stays_while_a_cell_runs(charted: Notebook) -> None:
    """New samples do not move what somebody looks at."""
    nb = charted
    page = nb.page
    page.locator(CHART).focus()
    page.keyboard.press("+")
    page.mouse.move(10, 10)
    span = _text(nb, READOUT)
    nb.run(0, wait=False)
    page.locator(f"{RUNNING}[data-energy-j]").wait_for()  # a second later: nothing is read before
    first = nb.number("cell-running", "energy-j")
    page.wait_for_function(
        "([q, e]) => +document.querySelector(q).dataset.energyJ > e",
        arg=[RUNNING, first], timeout=5_000,
    )  # fmt: skip
    assert _text(nb, READOUT) == span
    nb.wait_idle()
    assert _text(nb, READOUT) == span


def test_the_keys_do_all_that_the_mouse_does(charted: Notebook) -> None:
    """Focus, arrows, zoom, the way to a cell, and out again; each step is told politely."""
    nb = charted
    page = nb.page
    chart = page.locator(CHART)
    assert "Power over the last" in (chart.get_attribute("aria-label") or "")
    assert chart.get_attribute("role") == "img"

    chart.focus()
    page.keyboard.press("End")
    _keys_to_a_cell(nb, "[2]")  # idle may be drawn after it, up to now
    assert page.locator(f"{READOUT} >> xpath=ancestor::*[@aria-live][1]").get_attribute(
        "aria-live"
    ) == ("polite")
    before = _text(nb, READOUT)
    page.keyboard.press("ArrowLeft")
    assert _text(nb, READOUT) != before
    _keys_to_a_cell(nb, "[1]")

    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id === 'c0'"
    )
    chart.focus()
    page.keyboard.press("+")
    page.locator(RESET).wait_for()
    page.keyboard.press("Escape")
    page.locator(RESET).wait_for(state="hidden")
    assert chart.evaluate("node => node === document.activeElement")
    page.keyboard.press("Escape")
    assert not chart.evaluate("node => node === document.activeElement")
    assert _text(nb, READOUT).startswith("Last")


def test_a_click_on_a_band_leads_to_its_cell(charted: Notebook) -> None:
    """As a click on the cell's row does."""
    nb = charted
    page = nb.page
    page.locator(".jp-Notebook .jp-Cell").nth(2).click()
    place = _point(nb, 0.99)
    _wait_for_text(nb, r"\[2\]")
    page.mouse.click(*place)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id === 'c1'"
    )


@pytest.fixture
def setting(lab: Lab) -> Iterator[Any]:
    """A function that sets a setting in the page, and everything as it was afterwards."""
    file = lab.root.parent / "settings" / "greencell" / "panel.jupyterlab-settings"
    yield _set
    Path(file).unlink(missing_ok=True)


def _set(nb: Notebook, name: str, value: object) -> None:
    nb.page.evaluate(
        """async text => {
          const plugins = window.jupyterapp.pluginRegistry._plugins;
          const [name, value] = JSON.parse(text);
          const id = '@jupyterlab/apputils-extension:settings';
          await plugins.get(id).service.set('greencell:panel', name, value);
        }""",
        json.dumps([name, value]),
    )


def test_the_window_that_is_set_holds_at_once(charted: Notebook, setting: Any) -> None:
    """Without a reload, and without a new sample."""
    nb = charted
    setting(nb, "chartWindowS", 30)
    _wait_for_text(nb, "^Last 30")
    setting(nb, "chartWindowS", 300)
    _wait_for_text(nb, r"^Last 1\smin")


def test_the_running_cell_has_its_line(charted: Notebook) -> None:
    """Prompt, name, time, energy and power; its name leads to it."""
    nb = charted
    page = nb.page
    nb.run(0, wait=False)
    page.locator(RUNNING).wait_for(state="visible")
    page.wait_for_function(
        "q => +document.querySelector(q).dataset.energyJ > 0", arg=RUNNING, timeout=5_000
    )
    words = _text(nb, RUNNING)
    assert "[*]" in words and "import time" in words and " s" in words and "Wh" in words
    # A start tells the energy so far, and only the first tick a power.
    expect(page.locator("[data-gc='power']")).to_contain_text("W", timeout=10_000)
    page.locator(".jp-Notebook .jp-Cell").nth(2).click()
    page.locator(f"{RUNNING} button").click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id === 'c0'"
    )
    nb.wait_idle()
    page.locator(RUNNING).wait_for(state="hidden")
