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
         "--longest", "0.12", "--block", "0.2", "--out", out],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip

    result = json.loads(out.read_text())
    assert result["simulated"] is True
    assert result["update_period_s"] == pytest.approx(0.1, rel=0.1)
    assert {row["load"] for row in result["rows"]} == {"idle", "matmul", "copy"}
    # So few cells make no exact reference; what was drawn is known here.
    longest = {row["load"]: row for row in result["rows"] if row["cell_s"] == 0.12}
    assert longest["matmul"]["mean_j"] == pytest.approx(640.0 * 0.12, rel=0.3)
    assert longest["idle"]["mean_j"] == pytest.approx(70.0 * 0.12, rel=0.5)


def test_the_page_tells_whether_it_was_run() -> None:
    page = (ROOT / "docs/validation/README.md").read_text()
    was_run = (ROOT / "docs/validation/RESULT.json").exists()
    assert ("Not run on real hardware yet" in page) != was_run
