"""What greencell costs as seen from outside: real kernels, driven over their sockets as a page does."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

LOAD = "get_ipython().run_line_magic('load_ext', 'greencell')\n"
READY = "READY"
_TIMEOUT_S = 300.0


class Outside:
    """A real kernel of its own process, and a client that reads all that it says."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        self._manager, self._client = start_new_kernel()

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def probe(self) -> None:
        """Ask whether greencell is here, as a page does that opens: from now on it is told."""
        content = {"target_name": "greencell"}
        message = self._client.session.msg("comm_info_request", content)
        self._client.control_channel.send(message)
        self._client.get_control_msg(timeout=_TIMEOUT_S)

    def ms(self, code: str) -> float:
        """From the request to the last of its idle status and its reply."""
        return self._run(code, lambda _text: None)

    def text(self, code: str, page: bool = False) -> str:
        """What code prints; with a page that opens as soon as it prints READY."""
        printed: list[str] = []

        def heard(text: str) -> None:
            printed.append(text)
            if page and READY in text:
                self.probe()

        self._run(code, heard)
        return "".join(printed)

    def _run(self, code: str, heard: Callable[[str], None]) -> float:
        began_ns = time.perf_counter_ns()
        request = self._client.execute(code)
        while True:
            message = self._client.get_iopub_msg(timeout=_TIMEOUT_S)
            content: dict[str, Any] = message["content"]
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "stream":
                heard(content["text"])
            if content.get("execution_state") == "idle":
                break
        self._client.get_shell_msg(timeout=_TIMEOUT_S)
        return (time.perf_counter_ns() - began_ns) / 1e6


def in_kernel(code: str, page: bool = False) -> float:
    """The number that code prints after RESULT in a kernel of its own."""
    kernel = Outside()
    try:
        return float(kernel.text(code, page).split("RESULT")[1].split()[0])
    finally:
        kernel.close()


def pass_cells(cells: int, warm_up: int = 30) -> dict[str, float]:
    """Median times in ms of an empty cell in three kernels side by side, cells in turn."""
    kernels = {"bare": Outside(), "no_page": Outside(), "page": Outside()}
    try:
        for name in ("no_page", "page"):
            kernels[name].text(LOAD)
        kernels["page"].probe()
        times: dict[str, list[float]] = {name: [] for name in kernels}
        names = list(kernels)
        for count in range(cells + warm_up):
            for name in names[count % 3 :] + names[: count % 3]:
                times[name].append(kernels[name].ms("pass"))
        return {name: statistics.median(each[warm_up:]) for name, each in times.items()}
    finally:
        for kernel in kernels.values():
            kernel.close()
