"""Debuggers in a real kernel: what stops the user's code does not stop us, and shows nothing of us."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]


def into_s(tick: dict[str, Any]) -> float:
    """How long its cell ran when a tick was made."""
    return float(tick["t"] - tick["running"]["started_at"])


def is_stop(message: dict[str, Any]) -> bool:
    return message["msg_type"] == "debug_event" and message["content"].get("event") == "stopped"


def is_end(message: dict[str, Any], request: str) -> bool:
    return (
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == request
    )


class Debugger:
    """ipykernel's debugger as JupyterLab drives it, on the control channel."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._seq = itertools.count(1)
        self.ask(
            "initialize",
            clientID="tests", clientName="tests", adapterID="", pathFormat="path",
            linesStartAt1=True, columnsStartAt1=True, supportsVariableType=True,
        )  # fmt: skip
        self.ask("attach")

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The body of the answer to a request that has to succeed."""
        request = {
            "type": "request", "seq": next(self._seq), "command": command, "arguments": arguments,
        }  # fmt: skip
        reply = self._kernel.control("debug_request", request, timeout_s=30.0)
        assert reply["success"], reply
        body: dict[str, Any] = reply.get("body", {})
        return body

    def stop_at(self, code: str, line: int) -> None:
        """Set a breakpoint in a cell that will be run."""
        path = self.ask("dumpCell", code=code)["sourcePath"]
        self.ask("setBreakpoints", breakpoints=[{"line": line}], source={"path": path},
                 sourceModified=False)  # fmt: skip
        self.ask("configurationDone")

    def stopped(self) -> int:
        """Wait until a thread is stopped; its number."""
        event = self._kernel.until(is_stop)
        return int(event["content"]["body"]["threadId"])

    def threads(self) -> list[str]:
        """Names of the threads that the page lists."""
        return sorted(one["name"] for one in self.ask("threads")["threads"])

    def frames(self, thread: int) -> list[str]:
        """The files of a stopped thread's stack, the innermost first."""
        stack = self.ask("stackTrace", threadId=thread)["stackFrames"]
        return [frame["source"].get("path", "") for frame in stack]


def test_debug_waits_in_its_cell(start_kernel: Start) -> None:
    """``%debug`` after a failed cell: the time that it waits is in its cell, and ticks go on."""
    kernel = start_kernel()
    kernel.run("def fail():\n    inside = 42\n    1 / 0\nfail()", cell_id="failed")
    sent = kernel.send("%debug", cell_id="debug", allow_stdin=True)
    prompt = kernel.client.get_stdin_msg(timeout=30)
    assert "ipdb" in prompt["content"]["prompt"]
    waited = kernel.ticks(2)
    kernel.client.input("p inside")
    kernel.client.get_stdin_msg(timeout=30)
    kernel.client.input("q")
    run = kernel.wait(sent)
    kernel.run("x = 1", cell_id="next")

    assert run.reply["content"]["status"] == "ok"
    assert "42" in run.text and "greencell" not in run.text
    cells = {cell["cell_id"]: cell for cell in kernel.document()["cells"]}
    assert [cells[name]["status"] for name in ("failed", "debug", "next")] == ["error", "ok", "ok"]
    assert cells["debug"]["duration_s"] > into_s(waited[-1]) > 1.5
    assert cells["debug"]["energy_kwh"] > 0.0
    assert cells["next"]["duration_s"] < cells["debug"]["duration_s"]


CODE = "total = 0\nfor i in range(3):\n    total += i\nprint(total)"


def test_a_breakpoint_shows_nothing_of_us(start_kernel: Start) -> None:
    """The threads are those of a bare kernel; ticks go on; the time is in the cell; the next is right."""
    listed = []
    for kernel in (start_kernel(load=False), start_kernel()):
        kernel.run("1")
        debugger = Debugger(kernel)
        debugger.stop_at(CODE, 4)
        sent = kernel.send(CODE, cell_id="stopped")
        thread = debugger.stopped()
        listed.append((debugger.threads(), len(debugger.frames(thread))))
        ticks = kernel.ticks(2) if len(listed) == 2 else []
        debugger.ask("continue", threadId=thread)
        run = kernel.wait(sent)
        assert run.reply["content"]["status"] == "ok" and run.text == "3\n"
    kernel.run("x = 1", cell_id="next")

    assert listed[0] == listed[1]
    cells = {cell["cell_id"]: cell for cell in kernel.document()["cells"]}
    assert cells["stopped"]["status"] == cells["next"]["status"] == "ok"
    assert cells["stopped"]["duration_s"] > into_s(ticks[-1]) > 1.5
    assert cells["next"]["duration_s"] < cells["stopped"]["duration_s"]


@pytest.mark.parametrize("step", ["next", "stepIn", "stepOut"])
def test_a_step_off_the_end_of_a_cell_ends_it(start_kernel: Start, step: str) -> None:
    """As in a bare kernel: it does not land in our hooks."""
    kernel = start_kernel()
    debugger = Debugger(kernel)
    debugger.stop_at(CODE, 4)
    sent = kernel.send(CODE, cell_id="stepped")
    debugger.ask(step, threadId=debugger.stopped())
    ended = kernel.until(lambda m: is_stop(m) or is_end(m, sent))

    assert not is_stop(ended), ended["content"]
    assert [cell["cell_id"] for cell in kernel.document()["cells"]] == ["stepped"]


def test_a_debugger_that_stops_at_raised_exceptions_meets_none_of_ours(start_kernel: Start) -> None:
    """What hooks raise and catch among themselves stops nobody."""
    kernel = start_kernel()
    debugger = Debugger(kernel)
    debugger.ask("configurationDone")
    debugger.ask("setExceptionBreakpoints", filters=["raised", "uncaught"])
    for code in ("x = 1", "print(x)"):
        sent = kernel.send(code)
        ended = kernel.until(lambda m, sent=sent: is_stop(m) or is_end(m, sent))
        assert not is_stop(ended), ended["content"]
