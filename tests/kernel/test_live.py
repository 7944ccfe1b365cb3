"""Live figures in a real kernel: used, lost again, and never in the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from carbon_provider_double import ENVIRONMENT, TOKEN, Reply, provider, running

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]
LIVE_G = 56.5
TABLE_G = 41.4
ASK_NOW = "get_ipython()._greencell_extension.place._watch._plan.due_s = 0.0"
"""As if the cache had run out: the thread looks every 5 s."""


def wait_for(kernel: Any, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end_s = time.monotonic() + 20.0
    while not true(carbon := kernel.document()["carbon"]):
        assert time.monotonic() < end_s, carbon
        time.sleep(0.1)
    return carbon


def test_a_cell_has_the_live_figure_and_falls_back(start_kernel: Start) -> None:
    """The provider dies between two cells: the table counts, one notice, no output, no delay."""
    with running() as double:
        double.answer = provider("electricitymaps", LIVE_G, time.time())
        kernel = start_kernel(
            load=False, **ENVIRONMENT, GREENCELL_ZONE="FR",
            GREENCELL_INTENSITY_PROVIDER="electricitymaps",
            GREENCELL_INTENSITY_PROVIDER_URL=double.url,
        )  # fmt: skip
        loaded = kernel.run("%load_ext greencell")
        assert loaded.text.count("\n") == 1
        # The table's, unless the provider was quicker than the line.
        assert "41.4 g CO2e/kWh" in loaded.text or "live from Electricity Maps" in loaded.text
        assert "Electricity Maps is asked for live figures" in loaded.text
        carbon = wait_for(kernel, lambda carbon: carbon["live"] is not None)
        assert carbon["source"] == "Electricity Maps, live" and carbon["zone"] == "FR"
        run = kernel.run("import time; time.sleep(0.3)", cell_id="live")
        assert run.visible == []
        assert "Electricity Maps, FR: 56.5" in kernel.run("%greencell live").text
        assert "Electricity Maps, FR: 56.5" in kernel.run("%greencell status").text

        double.answer = lambda _asked: Reply(hangs=True)
        count, end_s = len(double.asked), time.monotonic() + 20.0
        kernel.run(ASK_NOW)
        while len(double.asked) == count:
            assert time.monotonic() < end_s
            kernel.run("1")
        hanging = [kernel.run("pass") for _ in range(5)]  # while the request hangs
        for one in hanging:
            assert one.visible == []
            assert one.arrived_s[-1] - one.arrived_s[0] < 1.0
        kernel.drain(1.0)
        double.close()
        wait_for(kernel, lambda carbon: carbon["live"] is None)
        idle = [m for m in kernel.drain(3.0) if m["msg_type"] == "comm_msg"]
        assert idle == []
        run = kernel.run("import time; time.sleep(0.3)", cell_id="table")
        assert run.visible == []

        notices = kernel.ask("snapshot")["snapshot"]["notices"]
        (notice,) = [notice for notice in notices if notice["id"] == "live:electricitymaps"]
        assert notice["text"].endswith("the table's figure is used.")
        document = kernel.document()
        cells = {cell["cell_id"]: cell for cell in document["cells"]}
        assert cells["live"]["intensity_g_per_kwh"] == pytest.approx(LIVE_G, rel=1e-12)
        assert cells["table"]["intensity_g_per_kwh"] == pytest.approx(TABLE_G, rel=1e-12)
        assert document["totals"]["bases"] == ["life-cycle"]
        assert TOKEN not in repr(document) + repr(notices)
        threads = (
            "import threading; [t.name for t in threading.enumerate()].count('greencell-live')"
        )
        assert kernel.run(threads).text == "1"
        kernel.run("%unload_ext greencell")
        assert kernel.run(threads).text == "0"


def test_without_a_token_the_kernel_says_what_to_set(start_kernel: Start) -> None:
    """One line more at load; the magic asks another provider, and ends it."""
    with running() as double:
        double.answer = provider("rte", LIVE_G, time.time())
        kernel = start_kernel(
            load=False, GREENCELL_ZONE="FR", GREENCELL_INTENSITY_PROVIDER="electricitymaps",
            GREENCELL_ELECTRICITYMAPS_TOKEN="", GREENCELL_INTENSITY_PROVIDER_URL=double.url,
        )  # fmt: skip
        loaded = kernel.run("%load_ext greencell")
        problem, first = loaded.text.splitlines()
        assert problem.startswith("greencell: GREENCELL_ELECTRICITYMAPS_TOKEN is not set")
        assert "live figures" not in first
        assert double.asked == []
        kernel.run("%greencell live rte")
        carbon = wait_for(kernel, lambda carbon: carbon["live"] is not None)
        assert carbon["basis"] == "quarter-hourly, direct"
        off = kernel.run("%greencell live off")
        assert off.text.count("\n") == 1 and "nobody is asked" in off.text
        assert kernel.document()["carbon"]["intensity_g_per_kwh"] == TABLE_G
