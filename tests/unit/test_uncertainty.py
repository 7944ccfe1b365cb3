"""What is missing is in the high end, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from greencell.attribution import NOTHING, whole
from greencell.model import SourceInfo
from greencell.uncertainty import Account, figure

INFOS = [
    SourceInfo("a", "cpu", "counter", "measured", 0.001, 1e-6, 0.03),
    SourceInfo("b", "gpu", "counter", "measured", 0.1, 1e-3, 0.05),
]


def test_what_a_silent_source_may_have_drawn_is_in_the_high_end() -> None:
    """The GPU did not answer for two seconds; at most it has been seen to draw 300 W."""
    account = Account(2)
    account.add([whole(100.0), replace(NOTHING, missing_s=2.0)])

    result = figure(account, INFOS, [60.0, 300.0])

    assert result.energy_j is not None
    assert result.energy_j.value == 100.0
    assert result.energy_j.low == pytest.approx(94.0)
    assert result.energy_j.high == pytest.approx(106.0 + 600.0)


def test_where_no_source_answered_nothing_is_known() -> None:
    account = Account(2)
    account.add([replace(NOTHING, missing_s=1.0), None])

    assert figure(account, INFOS, [60.0, 300.0]).energy_j is None
