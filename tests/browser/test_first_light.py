"""The first light: a person opens a notebook, loads greencell, and sees what cells cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.browser

BUSY_5_S = "import time\nend = time.monotonic() + 5\nwhile time.monotonic() < end: sum(range(1000))"


def test_look(open_notebook: Any) -> None:
    nb = open_notebook(["x = 1", BUSY_5_S, "time.sleep(1)\n1/0"])
    nb.wait_idle()
    nb.show_panel()
    nb.page.screenshot(path="/tmp/shot0.png")
    nb.enable()
    nb.page.screenshot(path="/tmp/shot1.png")
    nb.run(0)
    nb.run(1, wait=False)
    nb.page.wait_for_timeout(3500)
    nb.page.screenshot(path="/tmp/shot2.png")
    nb.wait_idle()
    nb.run(2)
    nb.page.wait_for_timeout(500)
    nb.page.screenshot(path="/tmp/shot3.png")
    assert nb.errors == []
