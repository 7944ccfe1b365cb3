"""Figures of a session that no kernel measured, told to a real page as a kernel tells them.

A real kernel would need minutes for three thousand cells; the page cannot tell the difference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent / "wire"
#: Hand a message of greencell's to all that listen to the kernel of the notebook in front.
TELL = """data => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel._iopubMessage.emit(
    { header: { msg_type: 'comm_msg' }, parent_header: {}, content: { comm_id: 'greencell', data } })"""


def example(name: str) -> dict[str, Any]:
    """A message out of the golden ones."""
    message: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return message


def record(number: int, **change: Any) -> dict[str, Any]:
    """A finished run with a figure of its own, and in some other fields what ``change`` says."""
    energy_j = 40.0 + 37 * (number * 7919 % 101)
    duration_s = 2.0 + number % 90
    return {
        **example("snapshot")["cells"][0],
        "run": f"run-{number}", "number": number, "cell_id": f"c{number % 7}",
        "execution_count": number, "label": None, "status": "ok", "parent": None, "final": True,
        "started_at": 1_769_850_000.0 + 100 * number, "duration_s": duration_s,
        "energy_j": energy_j, "energy_low_j": 0.9 * energy_j, "energy_high_j": 1.1 * energy_j,
        "co2_g": energy_j / 9e4, "co2_low_g": energy_j / 1e5, "co2_high_g": energy_j / 8e4,
        "mean_power_w": energy_j / duration_s, "machine_j": 1.2 * energy_j, "flags": [],
        "provenance": "measured", **change,
    }  # fmt: skip


def snapshot(cells: Sequence[dict[str, Any]], **change: Any) -> dict[str, Any]:
    """The picture of a session in which these cells ended and none runs."""
    return {
        **example("snapshot"), "session": "a-long-session", "seq": 1, "cells": list(cells),
        "cells_total": len(cells), "running": None, **change,
    }  # fmt: skip


def cell_end(number: int, **change: Any) -> dict[str, Any]:
    """The end of one more cell."""
    return {
        **example("cell-end"), "session": "a-long-session", "seq": number,
        "record": record(number, **change),
    }  # fmt: skip


def tell(page: Any, message: dict[str, Any]) -> None:
    """Let a page hear it."""
    page.evaluate(TELL, message)


#: Let requests of an operation be answered by the page itself, as by its kernel.
ANSWER = """([op, reply]) => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    const send = kernel.sendControlMessage.bind(kernel);
    kernel.sendControlMessage = (message, ...rest) => message.content.op !== op ? send(message, ...rest) : {
        done: Promise.resolve({ content: reply }), dispose: () => undefined };
}"""


def answer(page: Any, op: str, reply: dict[str, Any]) -> None:
    """What the page's requests of this kind are answered from now on."""
    page.evaluate(ANSWER, [op, reply])


def reply(name: str) -> dict[str, Any]:
    """A reply out of the golden ones."""
    content: dict[str, Any] = json.loads((EXAMPLES / "replies" / f"{name}.json").read_text())
    return content
