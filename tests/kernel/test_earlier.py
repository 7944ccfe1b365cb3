"""This notebook's past by the control channel: restarts, a kill, and a cell that runs meanwhile."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]
WORK = "import time\nend = time.monotonic() + 0.5\nwhile time.monotonic() < end: sum(range(1000))"
NOTEBOOK = "/home/ada/train.ipynb"


def answer(kernel: Any, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What a page is told, once the history's own thread has written what it is about."""
    end_s = time.monotonic() + 15.0
    while True:
        reply = kernel.ask("history")
        if reply["ok"] and wanted(reply["history"]):
            told: dict[str, Any] = reply["history"]
            return told
        assert time.monotonic() < end_s, reply
        time.sleep(0.1)


def test_three_sessions_of_a_notebook_with_a_restart_and_a_kill(start_kernel: Start) -> None:
    """Each with its state and figures; the cell's trend goes over all of them."""
    first = start_kernel(JPY_SESSION_NAME=NOTEBOOK)
    first.run(WORK, cell_id="work")
    first.manager.shutdown_kernel()
    other = start_kernel(JPY_SESSION_NAME="/home/ada/other.ipynb")
    other.run(WORK, cell_id="work")
    second = start_kernel(JPY_SESSION_NAME=NOTEBOOK)
    second.run(WORK, cell_id="work")
    second.send("import time; time.sleep(60)", cell_id="sleep")
    time.sleep(2.5)
    second.manager.signal_kernel(signal.SIGKILL)
    second.manager.shutdown_kernel(now=True)
    third = start_kernel(JPY_SESSION_NAME=NOTEBOOK)
    third.run(WORK, cell_id="work")

    told = answer(
        third,
        lambda h: (
            [s["state"] for s in h["sessions"]] == ["ended", "lost", "running"]
            and [len(c["runs"]) for c in h["cells"]] == [3]
        ),
    )

    assert told["notebook"] == NOTEBOOK
    assert [one["is_here"] for one in told["sessions"]] == [False, False, True]
    assert told["cells"][0]["cell_id"] == "work"
    for one in (*told["sessions"], told["total"]):
        assert 0 < one["energy_low_j"] <= one["energy_j"] <= one["energy_high_j"]
        assert one["co2_g"] > 0
    assert told["total"]["energy_j"] == pytest.approx(
        sum(one["energy_j"] for one in told["sessions"])
    )
    at = [run["at"] for run in told["cells"][0]["runs"]]
    assert at == sorted(at) and told["cells"][0]["runs"][0]["energy_j"] > 0

    sent = third.send("import time; time.sleep(1.5)", cell_id="busy")
    began_s = time.monotonic()
    assert third.ask("history")["ok"]
    assert time.monotonic() - began_s < 1.4
    third.wait(sent)


def test_a_history_that_is_off_is_one_line(start_kernel: Start) -> None:
    """And a kernel that knows no notebook says that."""
    off = start_kernel(GREENCELL_HISTORY="off", JPY_SESSION_NAME=NOTEBOOK)
    off.run("x = 1")
    answer = off.ask("history")
    assert answer["ok"] is False
    assert answer["error"] == "The history is off; GREENCELL_HISTORY=on keeps it."
    unnamed = start_kernel(JPY_SESSION_NAME="")
    unnamed.run("x = 1")
    assert "which notebook" in unnamed.ask("history")["error"]
