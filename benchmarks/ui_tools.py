"""What benchmarks/ui.py measures with: a page and its profile, and synthetic wire messages."""

from __future__ import annotations

import base64
import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

OURS = "/extensions/greencell/"

IN_PAGE = Path(__file__).with_name("ui_page.js").read_text(encoding="utf-8")


class Probe:
    """The debugging protocol of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("Performance.enable", {"timeDomain": "timeTicks"})
        self.cdp.send("Profiler.enable")
        self.cdp.send("Profiler.setSamplingInterval", {"interval": 500})

    def task_s(self) -> float:
        """Seconds that the page's main thread has worked: script, style, layout, paint."""
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    def parts_ms(self) -> dict[str, float]:
        """The same by what it did, as far as the browser tells."""
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        wanted = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
        return {e["name"]: 1e3 * float(e["value"]) for e in metrics if e["name"] in wanted}

    def heap_mb(self) -> float:
        """What is in use after a forced collection."""
        for _ in range(3):
            self.cdp.send("HeapProfiler.collectGarbage")
        return float(self.cdp.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    @contextmanager
    def profile(self) -> Iterator[Profile]:
        """Where the main thread was meanwhile."""
        found = Profile()
        self.cdp.send("Profiler.start")
        yield found
        found.read(self.cdp.send("Profiler.stop")["profile"])


class Profile:
    """A CPU profile: ours is what runs in our files or is called from there."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.self_ms = 0.0
        self.inclusive_ms = 0.0

    def read(self, profile: dict[str, Any]) -> None:
        """Take it apart."""
        nodes = {node["id"]: node for node in profile["nodes"]}
        parent = {
            child: node["id"] for node in nodes.values() for child in node.get("children", ())
        }
        own = {i for i, node in nodes.items() if OURS in node["callFrame"]["url"]}
        within: set[int] = set()
        for i in nodes:
            above: int | None = i
            while above is not None and above not in own:
                above = parent.get(above)
            if above is not None:
                within.add(i)
        stretch = 0.0
        for node, delta_us in zip(profile["samples"], profile["timeDeltas"], strict=True):
            self.self_ms += delta_us / 1e3 if node in own else 0.0
            stretch = stretch + delta_us / 1e3 if node in within else 0.0
            self.inclusive_ms += delta_us / 1e3 if node in within else 0.0
            self.longest_ms = max(self.longest_ms, stretch)


class Frames:
    """What comes over the page's websockets, by whether it is greencell's."""

    def __init__(self, probe: Probe) -> None:
        self.ours: list[int] = []
        self.data = 0
        probe.cdp.send("Network.enable")
        probe.cdp.on("Network.webSocketFrameReceived", self._received)
        self.requests: list[str] = []
        self.our_requests: list[str] = []
        probe.cdp.on("Network.requestWillBeSent", self._sent)

    def _received(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        payload = frame["payloadData"].encode()
        if frame["opcode"] == 2:  # binary
            payload = base64.b64decode(payload)
        if b"comm_msg" in payload and b'"greencell"' in payload:
            self.ours.append(len(payload))
            self.data += len(payload[payload.index(b'"data"') + 7 :]) - 1

    def _sent(self, event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        if url.startswith(("data:", "blob:")):
            return
        self.requests.append(url)
        if OURS in json.dumps(event.get("initiator", {})):
            self.our_requests.append(url)

    def counts(self) -> dict[str, int]:
        """What has come since the last ``clear``; requests by whom."""
        return {
            "ours": len(self.ours),
            "bytes": sum(self.ours),
            "data": self.data,
            "our_requests": len(self.our_requests),
            "requests": len(self.requests) - len(self.our_requests),
        }

    def clear(self) -> None:
        """Count from now on."""
        self.ours, self.data, self.requests, self.our_requests = [], 0, [], []


def javascript_kb(folder: Path) -> dict[str, float]:
    """The built extension, by what the files are."""
    sizes = {"own": 0.0, "chart": 0.0, "css": 0.0, "bundler": 0.0}
    for file in sorted(folder.glob("*.js")):
        text = file.read_text(encoding="utf-8")
        kind = (
            "bundler" if file.name.startswith(("remoteEntry", "style"))
            else "css" if ".gc-Panel{" in text.replace(" ", "")
            else "chart" if "u-over" in text and "greencell:feed" not in text
            else "own"
        )  # fmt: skip
        sizes[kind] += file.stat().st_size / 1e3
    return sizes


def median(values: list[float]) -> float:
    """Of what was measured in turn."""
    return statistics.median(values)
