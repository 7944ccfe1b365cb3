"""The first light: a person opens a notebook, loads greencell, and sees what cells cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.browser

BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"


def test_a_notebook_from_first_to_last(open_notebook: Any) -> None:
    """Enable, run three cells, watch one live, export, and compare the file with the panel."""
    nb = open_notebook(["x = 1", BUSY.format(5), "1/0"])
    nb.wait_idle()
    nb.enable()
    page = nb.page
    assert page.locator("[data-gc='provenance']").inner_text() == "Estimated"
    assert "France" in page.locator("[data-gc='zone']").inner_text()

    nb.run(0)
    nb.run(1, wait=False)
    page.locator("[data-gc='cell-running']").wait_for(state="visible")
    page.wait_for_function(
        "() => document.querySelector(\"[data-gc='chart'] canvas\")", timeout=5_000
    )
    first = nb.number("session-energy", "energy-j")
    page.wait_for_function(
        "e => +document.querySelector(\"[data-gc='session-energy']\").dataset.energyJ > e",
        arg=first, timeout=3_000,
    )  # fmt: skip
    assert nb.number("cell-running", "energy-j") > 0
    assert nb.number("power", "power-w") > 0
    assert page.locator("[data-gc='badge'][data-cell-id='c1']").get_attribute("data-energy-j")
    nb.wait_idle()
    nb.run(2)

    rows = page.locator("[data-gc='cell-row']")
    page.wait_for_function("() => document.querySelectorAll(\"[data-gc='cell-row']\").length === 3")
    assert [rows.nth(i).get_attribute("data-cell-id") for i in range(3)] == ["c2", "c1", "c0"]
    assert "failed" in rows.nth(0).inner_text()
    for index in range(3):
        badge = page.locator(f"[data-gc='badge'][data-cell-id='c{index}']")
        assert badge.count() == 1
        assert badge.get_attribute("data-provenance") == "estimated"
        row = page.locator(f"[data-gc='cell-row'][data-cell-id='c{index}']")
        assert badge.get_attribute("data-energy-j") == row.get_attribute("data-energy-j")
    assert "⚡" in page.locator("[data-gc='status']").inner_text()

    with page.expect_download() as download:
        nb.export("Save as .json")
    document = json.loads(download.value.path().read_text())
    page.get_by_role("alert").filter(
        has_text=f"Exported: {download.value.suggested_filename}"
    ).wait_for()
    for cell in document["cells"]:
        row = page.locator(f"[data-gc='cell-row'][data-cell-id='{cell['cell_id']}']")
        assert float(row.get_attribute("data-energy-j") or 0) == pytest.approx(
            cell["energy_kwh"] * 3.6e6, rel=1e-6
        )
        assert float(row.get_attribute("data-co2-g") or 0) == pytest.approx(
            cell["co2_kg"] * 1e3, rel=1e-6
        )
    shown = sum(float(rows.nth(i).get_attribute("data-energy-j") or 0) for i in range(3))
    assert shown == pytest.approx(document["totals"]["cells_energy_kwh"] * 3.6e6, rel=1e-6)
    assert nb.errors == []


def test_a_reload_in_the_middle_of_a_cell_shows_everything_again(open_notebook: Any) -> None:
    """Rows, totals and the running cell are back soon after the notebook is there."""
    nb = open_notebook(["import time; time.sleep(1.2)", "y = 2", BUSY.format(25)])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.run(1)
    nb.run(2, wait=False)
    nb.page.locator("[data-gc='cell-running']").wait_for(state="visible")
    nb.page.wait_for_timeout(2_500)
    before = nb.number("session-energy", "energy-j")

    nb.page.goto(nb.page.url.replace("?reset", "?"))
    nb.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    nb.show_panel()
    nb.page.locator("[data-gc='cell-running']").wait_for(state="visible", timeout=10_000)
    nb.page.wait_for_function(
        "() => document.querySelectorAll(\"[data-gc='cell-row']\").length === 2", timeout=10_000
    )

    assert nb.number("session-energy", "energy-j") > before
    assert nb.number("cell-running", "energy-j") > 0
    badge = nb.page.locator("[data-gc='badge'][data-cell-id='c0']")
    badge.wait_for()
    status = [k["execution_state"] for k in nb.lab.get("/api/kernels")]
    assert status == ["busy"], "asking must not make a busy kernel look idle"


def test_two_notebooks_are_two_sessions(open_notebook: Any) -> None:
    """Each has its own rows; the panel follows the one that is open."""
    first = open_notebook(["a = 1"])
    first.wait_idle()
    first.enable()
    first.run(0)
    second = open_notebook(["b = 1", "c = 2"])
    second.wait_idle()
    second.show_panel()
    second.page.locator("[data-gc='enable']").wait_for()
    second.enable()
    second.run(0)
    second.run(1)
    second.page.wait_for_function(
        "() => document.querySelectorAll(\"[data-gc='cell-row']\").length === 2"
    )
    assert first.page.locator("[data-gc='cell-row']").count() == 1


def test_a_restart_begins_a_new_session_and_says_so(open_notebook: Any) -> None:
    """The last figures are told as ended; measuring is one button away."""
    nb = open_notebook(["a = 1"])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.page.locator("[data-gc='cell-row']").wait_for()
    nb.command("kernelmenu:restart")
    nb.page.locator(".jp-Dialog .jp-mod-accept").click()
    nb.page.locator("[data-gc='enable']").wait_for(timeout=20_000)
    assert "new session" in nb.page.locator("[data-gc='notice']").first.inner_text()

    nb.page.locator("[data-gc='enable']").click()
    # Until the new session begins, the last figures stay.
    nb.page.wait_for_function(
        "() => document.querySelectorAll(\"[data-gc='cell-row']\").length === 0", timeout=20_000
    )
    assert nb.page.locator("[data-gc='session-energy']").is_visible()
    assert "new session" in nb.page.locator("[data-gc='notice']").first.inner_text()


def test_why_is_this_an_estimate_is_one_click_away(open_notebook: Any) -> None:
    """Sources, what was skipped, and what would improve the figures."""
    nb = open_notebook(["a = 1"])
    nb.wait_idle()
    nb.enable()
    notice = nb.page.locator("[data-gc='notice']", has_text="no power meter")
    notice.locator("button").click()
    method = nb.page.locator("[data-gc='method']")
    assert method.get_attribute("open") is not None
    text = method.inner_text()
    assert "virtual CPU" in text or "design power" in text or "logical CPU" in text
    assert "rapl" in text and "To enable" in text


def test_the_zone_can_be_set_and_a_wrong_one_is_told(open_notebook: Any) -> None:
    """By a click on the place; a refusal is one line in the dialog, and nothing changes."""
    nb = open_notebook(["a = 1"])
    nb.wait_idle()
    nb.enable()
    page = nb.page
    page.locator("[data-gc='zone']").click()
    page.locator(".jp-Dialog input").fill("PL")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_function(
        "() => document.querySelector(\"[data-gc='zone']\").dataset.zone === 'PL'"
    )
    page.locator("[data-gc='zone']").click()
    page.locator(".jp-Dialog input").fill("Atlantis")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator("[data-gc='zone-refusal']:visible", has_text="Unknown zone").wait_for()
    page.locator(".jp-Dialog .jp-mod-reject").click()
    assert page.locator("[data-gc='zone']").get_attribute("data-zone") == "PL"


def test_rows_lead_to_cells_and_badges_follow_them(open_notebook: Any) -> None:
    """Click selects; a moved cell keeps its badge, a copy has none; badges can be hidden."""
    nb = open_notebook(["a = 1", "b = 2", "c = 3"])
    nb.wait_idle()
    nb.enable()
    page = nb.page
    for index in range(3):
        nb.run(index)
    page.wait_for_function("() => document.querySelectorAll(\"[data-gc='badge']\").length === 3")
    page.locator("[data-gc='cell-row'][data-cell-id='c0']").click()
    page.wait_for_function(
        "() => document.querySelector('.jp-Notebook .jp-mod-active .gc-Badge')?.dataset.cellId === 'c0'"
    )
    nb.command("notebook:move-cell-down")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-Notebook .gc-Badge')].map(b => b.dataset.cellId).join() === 'c1,c0,c2'"
    )
    nb.command("notebook:duplicate-below")
    page.wait_for_function(
        "() => document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === 4"
    )
    assert page.locator("[data-gc='badge']").count() == 3
    nb.command("greencell:toggle-badges")
    page.wait_for_function("() => document.querySelectorAll(\"[data-gc='badge']\").length === 0")
    nb.command("greencell:toggle-badges")
    page.wait_for_function("() => document.querySelectorAll(\"[data-gc='badge']\").length === 3")


def test_nothing_leaves_the_machine_and_nothing_is_asked_of_the_server(open_notebook: Any) -> None:
    """No request of ours, and none beyond loopback."""
    nb = open_notebook(["a = 1", BUSY.format(2)])
    nb.wait_idle()
    nb.enable()
    nb.requests.clear()
    nb.run(0)
    nb.run(1)
    nb.page.wait_for_timeout(1_000)

    foreign = [url for url in nb.requests if not url.startswith((nb.lab.url, "blob:", "data:"))]
    assert foreign == []
    assert [url for url in nb.requests if "greencell" in url.split("?")[0].rsplit("/", 1)[0]] == []


def test_loading_by_the_magic_wakes_the_panel(open_notebook: Any) -> None:
    """Who types %load_ext needs no button."""
    nb = open_notebook(["%load_ext greencell", "x = 1"])
    nb.wait_idle()
    nb.show_panel()
    nb.page.locator("[data-gc='enable']").wait_for()
    nb.run(0)
    nb.page.locator("[data-gc='session-energy']").wait_for()
    nb.run(1)
    nb.page.locator("[data-gc='cell-row'][data-cell-id='c1']").wait_for()
