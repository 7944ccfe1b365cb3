"""``%greencell panel``: its output, its messages, its requests, and runners without a page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytest.importorskip("anywidget")
pytestmark = pytest.mark.kernel

Start = Callable[..., Any]
VIEW = "application/vnd.jupyter.widget-view+json"


def shown(kernel: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The data of the output, and all messages of the cell."""
    run = kernel.run("%greencell panel", cell_id="panel")
    assert run.reply["content"]["status"] == "ok", run.text
    (display,) = [m for m in run.messages if m["msg_type"] == "display_data"]
    return display["content"]["data"], run.messages


def opened(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The state of the panel's model as it was opened."""
    for message in messages:
        if message["msg_type"] == "comm_open" and "_esm" in message["content"]["data"]["state"]:
            state: dict[str, Any] = message["content"]["data"]["state"]
            return state
    raise AssertionError("no widget was opened")


def of_widget(messages: list[dict[str, Any]], ident: str) -> list[Any]:
    """Contents of the custom messages to the widget."""
    return [
        m["content"]["data"]["content"]
        for m in messages
        if m["msg_type"] == "comm_msg"
        and m["content"]["comm_id"] == ident
        and m["content"]["data"].get("method") == "custom"
    ]


def ask(kernel: Any, ident: str, content: object) -> None:
    """What a page sends for its widget."""
    data = {"method": "custom", "content": content}
    message = kernel.client.session.msg("comm_msg", {"comm_id": ident, "data": data})
    kernel.client.shell_channel.send(message)


def reply(kernel: Any, ident: str, name: str) -> dict[str, Any]:
    """The answer to a request of the widget's."""

    def is_it(message: dict[str, Any]) -> bool:
        return any(isinstance(c, dict) and c.get("id") == name for c in of_widget([message], ident))

    found = of_widget([kernel.until(is_it)], ident)[0]["greencell_reply"]
    assert isinstance(found, dict)
    return found


def test_the_output_has_a_view_and_what_is_shown_without_one(start_kernel: Start) -> None:
    """Text, and HTML without any script, of the figures of now; the model has picture and code."""
    kernel = start_kernel()
    kernel.run("sum(range(10**6))", cell_id="work")
    data, messages = shown(kernel)

    assert data["text/plain"].startswith("greencell session")
    assert "Energy" in data["text/html"] and "<script" not in data["text/html"].lower()
    assert data[VIEW]["model_id"]
    state = opened(messages)
    assert state["_model_module"] == "anywidget"
    assert state["picture"]["kind"] == "snapshot"
    assert [cell["cell_id"] for cell in state["picture"]["cells"]][-1] == "work"
    assert 60_000 < len(state["_esm"]) < 140_000 and "gc-Widget" in state["_css"]


def test_the_widget_hears_what_pages_hear(start_kernel: Start) -> None:
    """Start, ticks and end, of the same sessions and numbers; and nothing while idle."""
    kernel = start_kernel()
    data, _ = shown(kernel)
    ident = data[VIEW]["model_id"]
    run = kernel.run("import time; time.sleep(2.4)", cell_id="slow")
    pushed = of_widget(run.messages + kernel.drain(0.5), ident)

    kinds = [message["kind"] for message in pushed]
    assert kinds.count("cell-start") == 1 and kinds.count("tick") >= 1 and "cell-end" in kinds
    page = [message for message in run.ours if message["kind"] == "tick"]
    assert [m for m in pushed if m["kind"] == "tick"] == page
    assert not any({"state", "method", "buffer_paths"} & set(message) for message in pushed)
    assert kernel.drain(1.5) == []


def test_requests_are_answered_as_on_the_control_channel(start_kernel: Start) -> None:
    """Also those that are nonsense, in one line or not at all; none ends anything."""
    kernel = start_kernel()
    data, _ = shown(kernel)
    ident = data[VIEW]["model_id"]

    ask(
        kernel, ident, {"id": "a", "greencell_request": {"wire": 1, "op": "set-zone", "zone": "NO"}}
    )
    assert reply(kernel, ident, "a")["carbon"]["zone"] == "NO"
    ask(kernel, ident, {"id": "b", "greencell_request": {"wire": 1, "op": "snapshot"}})
    assert reply(kernel, ident, "b")["snapshot"]["info"]["carbon"]["zone"] == "NO"
    odd = (
        None,
        7,
        [],
        {"id": 1},
        {"id": "x" * 99, "greencell_request": {}},
        {"greencell_request": 1},
    )
    for content in odd:
        ask(kernel, ident, content)
    ask(kernel, ident, {"id": "c", "greencell_request": {"wire": 1, "op": "dance"}})
    refused = reply(kernel, ident, "c")
    assert refused["ok"] is False and len(refused["error"].splitlines()) == 1
    assert kernel.run("1 + 1").text == "2"


def test_what_is_asked_while_a_cell_runs_is_answered_when_it_has_ended(start_kernel: Start) -> None:
    """The main thread takes it up then; the cell and its outputs are as ever."""
    kernel = start_kernel()
    data, _ = shown(kernel)
    ident = data[VIEW]["model_id"]
    sent = kernel.send("import time; time.sleep(1.5); print('done')", cell_id="busy")
    kernel.ticks(1)
    ask(kernel, ident, {"id": "late", "greencell_request": {"wire": 1, "op": "snapshot"}})
    run = kernel.wait(sent)

    assert run.text == "done\n"
    assert reply(kernel, ident, "late")["snapshot"]["running"] is None


def test_a_kernel_has_one_widget(start_kernel: Start) -> None:
    """Shown again it is the same model, brought up to date; closed by a page, it is a new one."""
    kernel = start_kernel()
    first, _ = shown(kernel)
    kernel.run("x = 1", cell_id="between")
    second, messages = shown(kernel)
    assert second[VIEW]["model_id"] == first[VIEW]["model_id"]
    updates = [
        m["content"]["data"]["state"]
        for m in messages
        if m["msg_type"] == "comm_msg" and m["content"]["data"].get("method") == "update"
    ]
    assert [cell["cell_id"] for cell in updates[-1]["picture"]["cells"]][-1] == "between"

    close = kernel.client.session.msg(
        "comm_close", {"comm_id": first[VIEW]["model_id"], "data": {}}
    )
    kernel.client.shell_channel.send(close)
    time.sleep(0.2)
    third, messages = shown(kernel)
    assert third[VIEW]["model_id"] != first[VIEW]["model_id"]
    assert opened(messages)["picture"]["cells_total"] == 3


def test_without_anywidget_there_is_one_line_and_the_figures(start_kernel: Start) -> None:
    """The exact command; and text and HTML all the same."""
    kernel = start_kernel()
    kernel.run("import sys; sys.modules['anywidget'] = None")
    run = kernel.run("%greencell panel")

    kinds = [kind for kind, _ in run.visible]
    assert kinds == ["stdout", "display_data"]
    (line,) = run.visible[0][1].splitlines()
    assert '%pip install "greencell[widget]"' in line
    assert set(run.visible[1][1]) == {"text/plain", "text/html"}


NOTEBOOK = ["%load_ext greencell", "sum(range(10**6))", "%greencell panel",
            "import time; time.sleep(1.3)", "%greencell panel"]  # fmt: skip


@pytest.mark.parametrize("runner", ["nbconvert", "nbclient"])
def test_a_runner_without_a_page_ends_well(tmp_path: Path, runner: str) -> None:
    """rc 0; the notebook that it wrote is one, and holds what is shown without a page."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(code) for code in NOTEBOOK]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, tmp_path / "in.ipynb")
    commands = {
        "nbconvert": ["-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", "in.ipynb",
                      "--output", "out.ipynb"],
        "nbclient": ["-m", "jupyter", "execute", "in.ipynb", "--output=out.ipynb"],
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *commands[runner]], cwd=tmp_path, capture_output=True, text=True,
        timeout=120, env={**os.environ, "GREENCELL_DATA_DIR": str(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    nbformat.validate(found)
    assert json.dumps(found, allow_nan=False)
    for index in (2, 4):
        (output,) = found.cells[index].outputs
        assert output.data["text/plain"].startswith("greencell session")
        assert "<script" not in output.data["text/html"].lower()
