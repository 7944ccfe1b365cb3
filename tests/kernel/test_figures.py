"""matplotlib's figures while the panel asks: a request must not flush what a cell is drawing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]

HALF_DRAWN = """
import asyncio, os
import matplotlib.pyplot as plt
fig, axes = plt.subplots()
_ = axes.plot([1, 2, 3])
print("half", flush=True)
while not os.path.exists("asked"):
    await asyncio.sleep(0.02)
print(plt.gcf() is fig, plt.get_fignums() == [fig.number], len(axes.lines))
_ = axes.plot([3, 2, 1])
"""


def ask_all(kernel: Any) -> None:
    """What a panel asks while a cell runs."""
    for op, extra in (
        ("snapshot", {}), ("export", {"format": "json"}), ("export", {"format": "html"}),
        ("what-if", {}), ("set-zone", {"zone": "NO"}), ("label", {"label": "x"}),
    ):  # fmt: skip
        assert kernel.ask(op, **extra)["ok"]
    info = kernel.control("comm_info_request", {"target_name": "greencell"})
    assert info["status"] == "ok"


@pytest.mark.parametrize("asked", [False, True], ids=["bare", "asked"])
def test_a_half_drawn_figure_is_the_cells_whatever_is_asked_meanwhile(
    start_kernel: Start, tmp_path: Path, asked: bool
) -> None:
    """It stays the current one, and its cell shows it, once and whole; as in a bare kernel."""
    kernel = start_kernel(load=asked, MPLCONFIGDIR=str(tmp_path / "matplotlib"))
    kernel.run("%matplotlib inline")
    sent = kernel.send(HALF_DRAWN, cell_id="figure")
    kernel.until(lambda m: m["msg_type"] == "stream" and "half" in m["content"]["text"], 60.0)
    if asked:
        ask_all(kernel)
    (tmp_path / "asked").touch()
    run = kernel.wait(sent)

    shown = [m for m in run.messages if m["msg_type"] == "display_data"]
    assert [m["parent_header"]["msg_id"] for m in shown] == [sent]
    assert "image/png" in shown[0]["content"]["data"]
    assert [kind for kind, _ in run.visible] == ["stdout", "display_data"]
    assert run.text.startswith("True True 1\n")
    assert kernel.run("plt.get_fignums(), len(axes.lines)").text == "([], 2)"
