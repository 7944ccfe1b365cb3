"""What notebooks and cells are called: at once in the panel, and in exports only if that is ticked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from lab_support import Notebook

pytestmark = pytest.mark.browser

BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"


def exported(nb: Notebook) -> dict[str, Any]:
    """What the user gets who exports now."""
    with nb.page.expect_download() as download:
        nb.command("greencell:export")
    found: dict[str, Any] = json.loads(download.value.path().read_text())
    return found


def test_names_are_exported_only_where_that_is_ticked(open_notebook: Any) -> None:
    """No text of a cell leaves the page otherwise, whatever else is asked."""
    nb = open_notebook(["salary = 12345", "%%greencell mine\nb = 2"])
    sent: list[str] = []
    nb.page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))),
    )
    nb.page.reload()
    nb.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.run(1)
    nb.page.locator("[data-gc='cell-row'][data-cell-id='c1']").wait_for()

    sent.clear()
    told = exported(nb)
    assert told["session"]["notebook"] is None
    assert [cell["label"] for cell in told["cells"]] == [None, "mine"]
    assert "salary" not in "".join(sent) and "ipynb" not in "".join(sent)

    box = nb.page.locator("[data-gc='export-names']")
    assert not box.is_checked()
    box.press(" ")  # a notification lies over it
    told = exported(nb)
    assert told["session"]["notebook"] == nb.name
    assert [cell["label"] for cell in told["cells"]] == ["salary = 12345", "mine"]
    box.press(" ")
    assert "salary" not in json.dumps(exported(nb))
    assert nb.errors == []


def test_a_notebook_that_is_renamed_is_called_so_at_once(open_notebook: Any) -> None:
    """Also while a cell runs, and before the kernel says anything."""
    nb = open_notebook([BUSY.format(30)])
    nb.wait_idle()
    nb.enable()
    title = nb.page.locator("[data-gc='panel'] .gc-Title")
    for name, run in (("first.ipynb", False), ("second.ipynb", True)):
        if run:
            nb.run(0, wait=False)
            nb.page.locator("[data-gc='cell-running']").wait_for()
        nb.page.evaluate(
            "async name => { await window.jupyterapp.shell.currentWidget.context.rename(name) }",
            name,
        )
        expect(title).to_have_text(name, timeout=2_000)
    nb.command("notebook:interrupt-kernel")
    assert nb.errors == []
