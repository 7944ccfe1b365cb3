"""A real ipykernel, driven over its sockets."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

TIMEOUT_S = 60.0
COMM_ID = "greencell"


@dataclass
class Run:
    """What a request brought: its reply and all iopub messages of the kernel until idle."""

    reply: dict[str, Any]
    messages: list[dict[str, Any]]
    arrived_s: list[float]

    @property
    def ours(self) -> list[dict[str, Any]]:
        """Data of greencell's own messages."""
        return [
            m["content"]["data"]
            for m in self.messages
            if m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == COMM_ID
        ]

    @property
    def text(self) -> str:
        """Everything that was printed or displayed as text."""
        parts = []
        for message in self.messages:
            content = message["content"]
            if message["msg_type"] == "stream":
                parts.append(content["text"])
            elif message["msg_type"] in ("display_data", "execute_result"):
                parts.append(content["data"].get("text/plain", ""))
        return "".join(parts)

    @property
    def visible(self) -> list[tuple[str, Any]]:
        """What a user sees of it, without ids and times."""
        seen: list[tuple[str, Any]] = []
        for message in self.messages:
            content, kind = message["content"], message["msg_type"]
            if kind == "stream":
                if seen and seen[-1][0] == content["name"]:
                    seen[-1] = (content["name"], seen[-1][1] + content["text"])
                else:
                    seen.append((content["name"], content["text"]))
            elif kind in ("display_data", "execute_result"):
                seen.append((kind, content["data"]))
            elif kind == "error":
                seen.append((kind, (content["ename"], content["evalue"])))
            elif kind == "comm_open":
                seen.append((kind, content["target_name"]))
        return seen


def _is_tick(message: dict[str, Any]) -> bool:
    content = message["content"]
    return (
        message["msg_type"] == "comm_msg"
        and content["comm_id"] == COMM_ID
        and content["data"]["kind"] == "tick"
    )


@dataclass
class Kernel:
    """A kernel and its client."""

    manager: KernelManager
    client: BlockingKernelClient
    later: list[dict[str, Any]] = field(default_factory=list)

    def run(self, code: str, *, cell_id: str | None = None, timeout_s: float = TIMEOUT_S) -> Run:
        """Execute code as JupyterLab would, and wait for its end."""
        return self.wait(self.send(code, cell_id=cell_id), timeout_s)

    def send(self, code: str, *, cell_id: str | None = None, allow_stdin: bool = False) -> str:
        """Send an execute request and return its id."""
        content = {
            "code": code, "silent": False, "store_history": True,
            "user_expressions": {}, "allow_stdin": allow_stdin, "stop_on_error": False,
        }  # fmt: skip
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def wait(self, msg_id: str, timeout_s: float = TIMEOUT_S) -> Run:
        """Wait for the reply to a request and for the kernel to be idle after it."""
        messages, arrived = [], []
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            messages.append(message)
            arrived.append(time.monotonic())
            ends = (
                message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
            )
            if ends and message["parent_header"].get("msg_id") == msg_id:
                break
        while True:
            reply = self.client.get_shell_msg(timeout=timeout_s)
            if reply["parent_header"].get("msg_id") == msg_id:
                return Run(reply, messages, arrived)

    def drain(self, seconds: float) -> list[dict[str, Any]]:
        """Everything that arrives on iopub in the next seconds."""
        messages = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                messages.append(self.client.get_iopub_msg(timeout=left))
            except queue.Empty:
                break
        return messages

    def until(
        self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 30.0
    ) -> dict[str, Any]:
        """The next iopub message that is wanted; those before it are not kept."""
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if wanted(message):
                return message

    def ticks(self, count: int) -> list[dict[str, Any]]:
        """Data of the next ticks of a running cell."""
        found = [self.until(_is_tick) for _ in range(count)]
        return [message["content"]["data"] for message in found]

    def control(self, kind: str, content: object, timeout_s: float = 10.0) -> dict[str, Any]:
        """Send a request on the control channel and return the reply's content."""
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=timeout_s)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                answer: dict[str, Any] = reply["content"]
                return answer

    def ask(self, op: str, **extra: str) -> dict[str, Any]:
        """A request to greencell."""
        return self.control("greencell_request", {"wire": 1, "op": op, **extra})

    def document(self) -> dict[str, Any]:
        """The session document, by the control channel."""
        import json

        answer = self.ask("export", format="json")
        assert answer["ok"], answer
        loaded: dict[str, Any] = json.loads(answer["text"])
        return loaded


@pytest.fixture
def start_kernel(tmp_path: Any) -> Iterator[Callable[..., Kernel]]:
    started: list[Kernel] = []

    def start(
        *, load: bool = True, page: bool = True, python: str | None = None, **environment: str
    ) -> Kernel:
        manager = KernelManager(kernel_name="python3")
        if python is not None:  # of another environment
            manager.kernel_spec.argv[0] = python
        env = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "TZ": "Europe/Paris"}
        env["GREENCELL_DATA_DIR"] = str(tmp_path / "history")
        env.update(environment)
        manager.start_kernel(env=env, cwd=str(tmp_path))
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT_S)
        kernel = Kernel(manager, client)
        started.append(kernel)
        if load:
            kernel.run("%load_ext greencell")
        if load and page:  # which asks as soon as it hears hello; until then nothing is pushed
            kernel.control("comm_info_request", {"target_name": COMM_ID})
        return kernel

    yield start
    for kernel in started:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)
