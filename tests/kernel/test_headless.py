"""Headless runners and the terminal: the same notebook with and without greencell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.kernel

CELLS = [
    "x = 1",
    "print(x)",
    "import time; time.sleep(1.5); x",
    "from IPython.display import display\ndisplay(x)",
]


def executed(load: bool, folder: Path) -> tuple[list[Any], dict[str, Any]]:
    notebook = nbformat.v4.new_notebook()
    first = "%load_ext greencell" if load else "pass"
    notebook.cells = [nbformat.v4.new_code_cell(code) for code in [first, *CELLS]]
    NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [cell.outputs for cell in notebook.cells[1:]], dict(notebook.metadata)


def test_nbclient_sees_the_same_notebook(tmp_path: Path) -> None:
    """Outputs and metadata are as without greencell."""
    bare, ours = executed(False, tmp_path), executed(True, tmp_path)

    assert ours[0] == bare[0]
    assert set(ours[1]) == set(bare[1])
    assert "widgets" not in ours[1]


def test_plain_ipython_in_a_terminal(tmp_path: Path) -> None:
    """No kernel, no channel: text summaries, and nothing else changes."""
    script = "%load_ext greencell\nx = sum(range(10**6))\n%greencell\n%greencell cells\n%greencell status\n"
    (tmp_path / "s.ipy").write_text(script)
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "--simple-prompt"],
        input=script, capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 0
    assert "greencell session" in done.stdout
    assert "no kernel channel" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_command_line(tmp_path: Path) -> None:
    """doctor, zones and report answer; mistakes are one line with an exit code."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "greencell", *arguments],
            capture_output=True, text=True, timeout=60, cwd=tmp_path,
        )  # fmt: skip

    assert "carbon" in run("doctor").stdout
    assert "41.4 g/kWh" in run("zones", "FR").stdout
    sample = Path(__file__).parents[1] / "fixtures" / "session.json"
    assert "train" in run("report", str(sample)).stdout
    assert run("report", str(sample), "-o", "out.html").returncode == 0
    for arguments, code in (
        (("zones", "Atlantis"), 1), (("report", "missing.json"), 1), (("dance",), 2),
        (("report", str(sample), "-o", "out.html"), 1), ((), 2),
    ):  # fmt: skip
        failed = run(*arguments)
        assert failed.returncode == code, arguments
        assert "Traceback" not in failed.stderr
