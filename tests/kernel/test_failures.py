"""Transient failures of all kinds, spread over the cells of a real kernel, and a kill at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests_support import script

pytestmark = pytest.mark.kernel


def test_transient_failures_lose_no_finished_row(tmp_path: Path) -> None:
    """Each stage goes on after each; the file has every cell that ended a second before the kill."""
    failures = script("failures")

    result = failures.run(120, 200, 3, tmp_path)

    assert {"meters", "signal", "disk"} <= set(result.injected), result.injected
    assert result.missing == []
    assert result.longest_s <= failures.GOES_ON_S
    others = [line for line in result.shown if "Late" not in line and "in callback" not in line]
    assert others == []
