"""What if, as a person sees it: other places, greener hours, everyday things, statements."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from carbon_provider_double import ENVIRONMENT, Reply, running, says
from playwright.sync_api import Browser

from lab_support import Notebook, running_lab

pytestmark = pytest.mark.browser

WORK = "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: sum(range(1000))"


def opened(nb: Notebook) -> Any:
    """The section, with the kernel's answer in it."""
    section = nb.page.locator("[data-gc='what-if']")
    section.locator("summary").click()
    section.locator("[data-gc='elsewhere-row']").first.wait_for(timeout=15_000)
    return section


def test_this_session_elsewhere_is_in_proportion(open_notebook: Any) -> None:
    """Bars, the least first; here is marked; each is the session's CO2 times its ratio."""
    nb = open_notebook([WORK])
    nb.wait_idle()
    nb.enable()
    nb.run(0)

    section = opened(nb)

    rows = section.locator("[data-gc='elsewhere-row']")
    masses = [float(rows.nth(i).get_attribute("data-co2-g") or "nan") for i in range(rows.count())]
    zones = [rows.nth(i).get_attribute("data-zone") for i in range(rows.count())]
    assert masses == sorted(masses)
    here = section.locator("[data-gc='elsewhere-row'][data-here='true']")
    assert here.count() == 1 and "here" in here.inner_text()
    assert here.get_attribute("data-zone") == "FR"
    by_zone = dict(zip(zones, masses, strict=True))
    assert by_zone["PL"] / by_zone["FR"] == pytest.approx(588.6 / 41.4, rel=1e-6)
    assert "No forecast here" in section.inner_text()
    assert "LED lamp" in section.locator("[data-gc='equivalent']").first.inner_text()
    assert nb.errors == []


def test_a_place_that_is_none_stays_in_the_dialog(open_notebook: Any) -> None:
    """The kernel's line, and what was typed, are there for another try."""
    nb = open_notebook([WORK])
    nb.wait_idle()
    nb.enable()
    page = nb.page
    page.locator("[data-gc='zone']").click()
    page.locator(".jp-Dialog input").fill("paris")
    page.locator(".jp-Dialog .jp-mod-accept").click()

    refusal = page.locator("[data-gc='zone-refusal']:visible")
    refusal.wait_for(timeout=10_000)
    assert "FR (France)" in refusal.inner_text()
    assert page.locator(".jp-Dialog input").input_value() == "paris"
    page.locator(".jp-Dialog input").fill("California")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator("[data-gc='zone'][data-zone='US-CA']").wait_for(timeout=10_000)


def test_places_are_suggested_while_somebody_types(open_notebook: Any) -> None:
    """From the tables, by keyboard and by mouse; the one that was taken is set."""
    nb = open_notebook([WORK])
    nb.wait_idle()
    nb.enable()
    page = nb.page
    field, places = page.locator(".jp-Dialog input"), page.locator("[data-gc='zone-suggestion']")

    page.locator("[data-gc='zone']").click()
    field.fill("")
    field.press_sequentially("Swe")
    page.locator("[data-gc='zone-suggestion'][data-zone='SE']").wait_for(timeout=10_000)
    assert "g/kWh" in places.first.inner_text()
    field.press("ArrowDown")
    assert field.input_value() == places.first.get_attribute("data-zone") == "SE"
    field.press("Enter")
    page.locator("[data-gc='zone'][data-zone='SE']").wait_for(timeout=10_000)

    page.locator("[data-gc='zone']").click()
    field.fill("Califor")
    page.locator("[data-gc='zone-suggestion'][data-zone='US-CA']").click()
    assert field.input_value() == "US-CA"
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator("[data-gc='zone'][data-zone='US-CA']").wait_for(timeout=10_000)
    assert nb.errors == []


def test_a_statement_is_copied(open_notebook: Any) -> None:
    """Chosen in the menu, it is on the clipboard."""
    nb = open_notebook([WORK])
    nb.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    nb.wait_idle()
    nb.enable()
    nb.run(0)

    nb.export("Model card")

    nb.page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).startsWith('## Environmental Impact')",
        timeout=10_000,
    )


@pytest.mark.parametrize(
    ("command", "beginning"),
    [("copy-markdown", "# Energy"), ("copy-statement", "## Environmental Impact")],
    ids=["markdown", "statement"],
)
def test_two_commands_copy(open_notebook: Any, command: str, beginning: str) -> None:
    """The session as Markdown, and the statement, both on the clipboard."""
    nb = open_notebook([WORK])
    nb.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    nb.wait_idle()
    nb.enable()
    nb.run(0)

    nb.command(f"greencell:{command}")

    nb.page.wait_for_function(
        "async start => (await navigator.clipboard.readText()).startsWith(start)",
        arg=beginning,
        timeout=10_000,
    )


def test_greener_hours_are_told_where_a_forecast_exists(browser: Browser, tmp_path: Path) -> None:
    """A provider on the loopback: 100 g now, 62 g in two hours."""
    now_s = time.time()

    def answer(asked: Any) -> Reply:
        def moment(hours: float) -> str:
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s + 3_600 * hours))

        if asked.path.endswith("/forecast"):
            values = [100, 100, 62, 62, 100, 100]
            points = [{"carbonIntensity": v, "datetime": moment(i)} for i, v in enumerate(values)]
            return says({"zone": "FR", "forecast": points})
        latest = {
            "zone": "FR", "carbonIntensity": 100, "datetime": moment(0),
            "emissionFactorType": "lifecycle", "isEstimated": False,
        }  # fmt: skip
        return says(latest)

    with running() as double:
        double.answer = answer
        settings = {
            **ENVIRONMENT, "GREENCELL_INTENSITY_PROVIDER": "electricitymaps",
            "GREENCELL_INTENSITY_PROVIDER_URL": double.url,
        }  # fmt: skip
        with running_lab(tmp_path, **settings) as lab:
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            nb = Notebook(page, lab, "hours.ipynb", [], [])
            lab.write_notebook("hours.ipynb", [WORK])
            nb.open()
            nb.wait_idle()
            nb.enable()
            nb.run(0)
            page.wait_for_function(
                "() => document.querySelector(\"[data-gc='zone']\").innerText.includes('live')",
                timeout=20_000,
            )
            section = opened(nb)
            ahead = section.locator("[data-gc='ahead']")
            ahead.wait_for(timeout=10_000)
            assert "would save 38" in ahead.inner_text()
            assert section.locator("svg").get_attribute("role") == "img"
            assert section.locator(".gc-Stairs-best").count() == 1
            page.context.close()
