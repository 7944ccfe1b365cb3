"""A client that never asks greencell anything: it hears what it would hear from a bare kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]

AUTOLOAD = 'c.InteractiveShellApp.extensions = ["greencell"]\n'
CELLS = (
    "x = 1",
    "print('hello, world')",
    "import sys; print('test', file=sys.stderr)",
    "x",
    "from IPython.display import clear_output, display, HTML; display(HTML('a')); clear_output()",
    "1/0",
    "zip?",
    "",
    "   # nothing",
    "import time; time.sleep(1.5)",
    "print(x) if",
    "from ipykernel.comm import Comm; c = Comm(target_name='t'); c.send({'a': 1}); c.close()",
)
REQUESTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("kernel_info_request", {}),
    ("complete_request", {"code": "zi", "cursor_pos": 2}),
    ("inspect_request", {"code": "zip", "cursor_pos": 3, "detail_level": 0}),
    ("is_complete_request", {"code": "if x:"}),
    ("history_request", {"hist_access_type": "tail", "n": 3, "output": False, "raw": True}),
    ("comm_info_request", {"target_name": "t"}),
)


def heard(kernel: Any) -> list[Any]:
    """What such a client hears, without ids, times and words of an error."""
    told: list[Any] = []

    def note(messages: list[dict[str, Any]]) -> None:
        for message in messages:
            content = message["content"]
            kept = {k: content[k] for k in ("execution_state", "name", "execution_count", "comm_id", "ename") if k in content}  # fmt: skip
            told.append((message["msg_type"], message["parent_header"].get("msg_type"), kept.get("ename"), kept.get("execution_state"), kept.get("execution_count")))  # fmt: skip

    for code in CELLS:
        run = kernel.run(code)
        note(run.messages)
        told.append((run.reply["content"]["status"], run.reply["content"]["execution_count"]))
    for kind, content in REQUESTS:
        message = kernel.client.session.msg(kind, content)
        kernel.client.shell_channel.send(message)
        reply = kernel.client.get_shell_msg(timeout=30)
        told.append((reply["msg_type"], sorted(reply["content"]), reply["content"].get("comms")))
        note([kernel.client.get_iopub_msg(timeout=30) for _ in range(2)])
    note(kernel.drain(1.0))
    return told


def test_autoloaded_it_is_as_silent_as_a_bare_kernel(start_kernel: Start, tmp_path: Path) -> None:
    """Loaded by the profile before any cell: the same messages in the same order, none of ours."""
    bare = heard(start_kernel(load=False))
    profile = tmp_path / "autoload" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(AUTOLOAD)
    kernel = start_kernel(load=False, IPYTHONDIR=str(profile.parent))
    assert heard(kernel) == bare

    # It was there all the time, and answers as soon as somebody asks.
    assert kernel.document()["totals"]["cells"] > 5


def test_loaded_in_a_cell_it_says_hello_in_that_cell_and_no_more(start_kernel: Start) -> None:
    """Whoever does not answer the hello hears nothing else of ours."""
    kernel = start_kernel(load=False)
    first = kernel.run("%load_ext greencell")
    assert [data["kind"] for data in first.ours] == ["hello"]
    assert all("greencell" not in str(message) for message in heard(kernel))
    kernel.run("%unload_ext greencell\n%load_ext greencell")
    again = [kernel.run(code) for code in CELLS]
    assert [run.ours for run in again] == [[]] * len(CELLS)
