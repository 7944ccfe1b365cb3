"""The validation script runs; on real hardware nobody has run it yet, and its page says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from greencell.testing import NoCompiler
from greencell.testing.nvml import build

ROOT = Path(__file__).resolve().parents[2]


def test_it_runs_on_the_simulated_gpu(tmp_path: Path) -> None:
    try:
        build(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    out = tmp_path / "result.json"

    subprocess.run(
        [sys.executable, ROOT / "benchmarks/gpu_validation.py", "--simulated",
         "--longest", "0.35", "--block", "1.0", "--out", out],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip

    result = json.loads(out.read_text())
    assert result["simulated"] is True
    assert result["update_period_s"] == pytest.approx(0.1, rel=0.1)
    assert {row["load"] for row in result["rows"]} == {"idle", "matmul", "copy"}
    # In one second of cells the block is no exact reference: a tick of it at either end.
    longest = [row for row in result["rows"] if row["cell_s"] == 0.35]
    assert all(abs(row["deviation"]) < 0.25 for row in longest)


def test_the_page_tells_whether_it_was_run() -> None:
    page = (ROOT / "docs/validation/README.md").read_text()
    was_run = (ROOT / "docs/validation/RESULT.json").exists()
    assert ("Not run on real hardware yet" in page) != was_run
