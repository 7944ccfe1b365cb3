"""Kernels of another make than ipykernel: what can be measured is measured, and what works is said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]

OTHER_MAKE = """
class OtherMake:
    def __init__(self, kernel, hidden):
        self.__dict__.update(kernel=kernel, hidden=hidden)
    def __getattr__(self, name):
        if name in self.hidden:
            raise AttributeError(name)
        return getattr(self.kernel, name)
    def __setattr__(self, name, value):
        setattr(self.kernel, name, value)
get_ipython().kernel = OtherMake(get_ipython().kernel, {hidden})
"""
NO_COMMS = """
def refuse(comm):
    raise TypeError("comms of this kernel are made by itself")
get_ipython().kernel.comm_manager.register_comm = refuse
"""
SAID = "no channel to a live panel; %greencell and %greencell panel show figures"


@pytest.mark.parametrize(
    "setup",
    [
        OTHER_MAKE.format(hidden=["iopub_thread"]),
        OTHER_MAKE.format(hidden=["control_handlers"]),
        OTHER_MAKE.format(hidden=["comm_manager", "iopub_socket"]),
        OTHER_MAKE.format(hidden=["session", "iopub_thread", "iopub_socket", "comm_manager", "control_handlers", "get_parent"]),
        NO_COMMS,
    ],
    ids=["no iopub thread", "no control handlers", "no comms", "nothing of ipykernel's", "comms of its own"],
)  # fmt: skip
def test_a_kernel_without_a_channel_measures_and_says_what_works(
    start_kernel: Start, setup: str
) -> None:
    """One line at load that names what shows figures; no message of ours, no failure, all undone."""
    kernel = start_kernel(load=False)
    kernel.run(setup)
    first = kernel.run("%load_ext greencell")
    assert first.text.count("\n") == 1 and SAID in first.text
    runs = [
        kernel.run(code) for code in ("x = sum(range(10**6))", "%greencell", "%greencell cells")
    ]
    assert all(run.reply["content"]["status"] == "ok" for run in runs)
    assert "Wh" in runs[1].text and "cell" in runs[2].text
    assert SAID in kernel.run("%greencell status").text
    panel = kernel.run("%greencell panel")
    assert SAID in panel.text and "Wh" in panel.text
    assert kernel.run("%unload_ext greencell").text == ""
    left = (
        "[c for n in get_ipython().events.callbacks.values() for c in n if 'greencell' in repr(c)]"
    )
    assert kernel.run(left).text == "[]"
    assert [run.ours for run in (first, *runs, panel)] == [[]] * 5


def test_a_plain_shell_has_no_page_to_speak_of(tmp_path: Path) -> None:
    """Embedded in a program: it measures, and says nothing of panels."""
    import subprocess

    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "ip = InteractiveShell.instance()\n"
        "for line in ('%load_ext greencell', 'x = sum(range(10**6))', '%greencell cells', '%greencell panel',"
        " '%greencell status'):\n    ip.run_cell(line, store_history=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "no kernel channel" in done.stdout and "live panel" not in done.stdout
    assert "[2] cell" in done.stdout
