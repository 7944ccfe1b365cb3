"""Settings that move something: place, building, price, and which cells have a line under them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from lab_support import Lab

pytestmark = pytest.mark.browser

BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"


def test_place_building_and_price_hold_from_the_start_of_measuring(
    open_notebook: Any, lab: Lab
) -> None:
    """The kernel is told them once; what a cell sets later wins."""
    lab.set("greencell:panel", zone="Poland", pue=1.3, pricePerKwh=0.3, currency="EUR")
    nb = open_notebook([BUSY.format(1), "%greencell zone NO"])
    nb.wait_idle()
    nb.enable()
    zone = nb.page.locator("[data-gc='zone']")

    expect(zone).to_have_attribute("data-zone", "PL", timeout=15_000)
    expect(zone).to_contain_text("PUE 1.3")
    nb.run(0)
    cost = nb.page.locator("[data-gc='cost']")
    expect(cost).to_contain_text("EUR")
    paid = float(cost.inner_text().split()[1])
    kwh = nb.number("session-energy", "energy-j") / 3.6e6
    assert paid == pytest.approx(0.3 * kwh, rel=0.6), "one digit of what is known to a factor"
    nb.run(1)
    expect(zone).to_have_attribute("data-zone", "NO", timeout=15_000)
    nb.wait_idle()
    nb.page.wait_for_timeout(1_000)
    expect(zone).to_have_attribute("data-zone", "NO")
    assert nb.errors == []


def test_a_place_that_is_none_is_said_in_one_line(open_notebook: Any, lab: Lab) -> None:
    """Measuring goes on where the kernel thinks it is."""
    lab.set("greencell:panel", zone="Atlantis")
    nb = open_notebook(["a = 1"])
    nb.wait_idle()
    nb.enable()

    nb.page.get_by_text("Unknown zone 'Atlantis'").first.wait_for(timeout=15_000)
    expect(nb.page.locator("[data-gc='zone']")).to_have_attribute("data-zone", "FR")
    assert nb.page.locator("[data-gc='cost']:visible").count() == 0


def test_a_small_share_has_no_line_unless_it_is_wanted(open_notebook: Any, lab: Lab) -> None:
    """From a share of all cells' energy that is set, or 1 s; the setting moves that at once."""
    lab.set("greencell:panel", badgeFromPercent=1)
    nb = open_notebook([BUSY.format(3), "b = 2"])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.run(1)
    page = nb.page
    page.locator("[data-gc='cell-row'][data-cell-id='c1']").wait_for(state="attached")
    expect(page.locator("[data-gc='badge'][data-cell-id='c0']")).to_have_count(1)
    expect(page.locator("[data-gc='badge'][data-cell-id='c1']")).to_have_count(0)

    for percent, count in ((0, 1), (50, 0)):
        page.evaluate(
            """async percent => {
              const id = '@jupyterlab/apputils-extension:settings';
              const { service } = window.jupyterapp.pluginRegistry._plugins.get(id);
              await service.set('greencell:panel', 'badgeFromPercent', percent);
            }""",
            percent,
        )
        expect(page.locator("[data-gc='badge'][data-cell-id='c1']")).to_have_count(count)
    expect(page.locator("[data-gc='badge'][data-cell-id='c0']")).to_have_count(1)
