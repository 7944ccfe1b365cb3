"""The history begins with the first thing to keep: nothing before, nothing lost, nothing for ever."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from greencell import keeping
from greencell.history.past import Wanted, past_sessions
from greencell.keeping import History, keep
from greencell.settings import Settings
from tests_support import Bench


@pytest.fixture
def bench() -> Bench:
    """A simulated session in virtual time."""
    return Bench.make()


def kept(bench: Bench, folder: Path) -> History:
    history = keep(bench.session, Settings(data_dir=folder))
    assert history is not None
    return history


def runs_in(history: History) -> int:
    return sum(one["cells"] for one in past_sessions(history.path, Wanted()))


def test_a_session_in_which_nothing_ran_writes_nothing(bench: Bench, tmp_path: Path) -> None:
    """No file, no folder and no thread, also at its end."""
    history = kept(bench, tmp_path / "data")
    bench.pass_time(10.0)
    assert bench.session._keep() > 60.0
    bench.session.close()
    history.close(bench.session.id, 1.0)
    assert not (tmp_path / "data").exists()
    assert history._writers is None


def test_what_ended_before_the_history_could_be_opened_is_in_it_later(
    bench: Bench, tmp_path: Path
) -> None:
    """Opening fails for a while: it is tried again, says so, and each run is in the file once."""
    history = kept(bench, tmp_path)
    build, tries = history._build, []

    def fail() -> keeping.Writers:
        tries.append(1)
        raise OSError("injected")

    history._build = fail
    for _ in range(3):
        bench.cell(1.0)
        bench.pass_time(5.0)
        bench.session._settle(force=True)
        bench.session._keep()
    assert len(tries) >= 2
    assert "injected" in history.words and "in memory only" in history.words

    history._build = build
    bench.cell(1.0)
    bench.pass_time(120.0)
    bench.session._settle(force=True)
    bench.session._keep()
    bench.session.close()
    history.close(bench.session.id, 10.0)
    assert runs_in(history) == 4


def test_what_ended_a_moment_before_the_end_is_kept(bench: Bench, tmp_path: Path) -> None:
    """Nobody had opened the history yet: the end does."""
    history = kept(bench, tmp_path)
    bench.cell(1.0)
    bench.session.close()
    history.close(bench.session.id, 10.0)
    assert runs_in(history) == 1


def test_whoever_asks_for_the_state_opens_the_history(bench: Bench, tmp_path: Path) -> None:
    """`%greencell status` tells of the real file."""
    history = kept(bench, tmp_path)
    assert str(history.path) in history.words
    end_s = time.monotonic() + 20.0
    while not history.path.exists():
        assert time.monotonic() < end_s, "in vain"
        time.sleep(0.01)
    history.close(bench.session.id, 1.0)
