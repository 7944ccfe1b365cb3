"""A page that is away in the middle of a cell: what a real server keeps for it, and what it finds."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from lab_support import TOKEN, Lab, running_lab

pytestmark = pytest.mark.kernel

AWAY_S = 8
TIMEOUT_S = 60.0
LONG_CELL = "import os, time\nwhile not os.path.exists('back'):\n    time.sleep(0.05)"


class Page:
    """What a page does with a kernel's websocket; the server knows it again by its session."""

    def __init__(self, lab: Lab, kernel_id: str) -> None:
        self._url = f"{lab.url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels"
        self._session = uuid.uuid4().hex
        self._socket = websocket.WebSocket()
        self.connect()

    def connect(self) -> None:
        self._socket = websocket.create_connection(
            f"{self._url}?session_id={self._session}&token={TOKEN}", timeout=TIMEOUT_S
        )

    def leave(self) -> None:
        self._socket.close()

    def send(self, channel: str, kind: str, content: dict[str, Any], **metadata: str) -> str:
        header = {
            "msg_id": uuid.uuid4().hex, "msg_type": kind, "session": self._session,
            "username": "", "version": "5.3", "date": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        message = {
            "channel": channel, "header": header, "parent_header": {}, "metadata": metadata,
            "content": content, "buffers": [],
        }  # fmt: skip
        self._socket.send(json.dumps(message))
        return str(header["msg_id"])

    def execute(self, code: str) -> str:
        content = {"code": code, "silent": False}
        return self.send("shell", "execute_request", content, cellId=str(uuid.uuid4()))

    def heard(self) -> Iterator[dict[str, Any]]:
        """Messages as they come."""
        while True:
            yield json.loads(self._socket.recv())

    def ours(self) -> Iterator[dict[str, Any]]:
        """Data of greencell's messages as they come."""
        for message in self.heard():
            if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == "greencell":
                yield message["content"]["data"]

    def wait(self, request: str) -> None:
        """Until the kernel is idle after a request."""
        for message in self.heard():
            idle = message["content"].get("execution_state") == "idle"
            if idle and message["parent_header"].get("msg_id") == request:
                return


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with running_lab(tmp_path) as lab:
        request = urllib.request.Request(
            f"{lab.url}/api/kernels", data=b"{}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            page = Page(lab, json.load(answer)["id"])
        yield page
        page.leave()


def test_a_page_that_comes_back_finds_little_and_the_truth(page: Page, tmp_path: Path) -> None:
    """One small message for each second that it was away, none lost; a snapshot when it asks."""
    page.wait(page.execute("%load_ext greencell"))
    page.send("control", "comm_info_request", {"target_name": "greencell"})  # as pages do
    for number in range(25):
        page.wait(page.execute(f"x = {number}"))
    page.execute(LONG_CELL)
    before = next(data for data in page.ours() if data["kind"] == "tick")
    page.leave()
    time.sleep(AWAY_S)
    back_s = time.time()
    page.connect()
    page.send("control", "comm_info_request", {"target_name": "greencell"})
    kept, snapshot = [], None
    for data in page.ours():
        if data["t"] < back_s:
            kept.append(data)
        elif data["kind"] == "snapshot":
            snapshot = data
            break
    (tmp_path / "notebooks" / "back").touch()
    end = next(data for data in page.ours() if data["kind"] == "cell-end")  # after Jupyter's idle

    assert [data["seq"] for data in kept] == list(
        range(before["seq"] + 1, before["seq"] + 1 + len(kept))
    )
    assert AWAY_S / 2 < len(kept) <= AWAY_S + 1
    sizes = {kind: [len(json.dumps(d)) for d in kept if d["kind"] == kind] for kind in
             ("tick", "snapshot")}  # fmt: skip
    assert len(sizes["tick"]) + len(sizes["snapshot"]) == len(kept)
    assert max(sizes["tick"]) <= 1_000 and len(sizes["snapshot"]) <= 1
    assert sum(sizes["snapshot"]) < 10_000
    assert len(snapshot["cells"]) == 25 and snapshot["running"]["number"] == 26
    assert end["record"]["duration_s"] > AWAY_S and end["record"]["status"] == "ok"
