"""Interrupts in the moments in which no shield stands: every cell that has a number has a record."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from greencell.hooks import Hooks
from tests_support import Bench


def result_of(info: object, **more: Any) -> Any:
    return SimpleNamespace(**{"info": info, "error_in_exec": None, "execution_count": None} | more)


def test_an_interrupt_before_the_shield_stands_loses_no_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be one that was meant for the cell before; the hook is simply begun again."""
    bench = Bench.make()
    hooks = Hooks(SimpleNamespace(events=None), bench.session, None, bench.clock)
    info = SimpleNamespace(cell_id="c", raw_cell="pass")
    real, delivered = hooks._shielded, []

    def once(*arguments: Any) -> bool:
        monkeypatch.setattr(hooks, "_shielded", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(hooks, "_shielded", once)
    monkeypatch.setattr(hooks, "_deliver", delivered.append)
    hooks._pre_run_cell(info)
    bench.pass_time(1.0)
    hooks._post_run_cell(result_of(info))

    (record,) = bench.session.cells
    assert record.cell_id == "c" and record.energy_j is not None
    assert record.energy_j.value == pytest.approx(90.0)
    assert delivered == [signal.SIGINT]


def test_a_cell_that_is_interrupted_before_its_first_hook_has_a_record() -> None:
    """IPython has given it its number and answers it, but tells only of its end."""
    bench = Bench.make()
    hooks = Hooks(SimpleNamespace(events=None, execution_count=8), bench.session, None, bench.clock)
    info = SimpleNamespace(cell_id="c", raw_cell="pass", store_history=True)
    bench.pass_time(1.0)
    hooks._post_run_cell(result_of(info, error_before_exec=KeyboardInterrupt()))

    (record,) = bench.session.cells
    assert (record.cell_id, record.execution_count, record.status) == ("c", 7, "interrupted")
    assert record.duration_s == 0.0
    totals = bench.session.to_dict()["totals"]
    assert totals["energy_kwh"] == pytest.approx(90.0 / 3.6e6)


def test_an_interrupt_while_ipython_tells_of_an_error_loses_no_number() -> None:
    """The result is another one then, which knows neither the number nor what had failed."""
    bench = Bench.make()
    hooks = Hooks(SimpleNamespace(events=None, execution_count=8), bench.session, None, bench.clock)
    info = SimpleNamespace(cell_id="c", raw_cell="1/0", store_history=True)
    hooks._pre_run_cell(info)
    bench.pass_time(1.0)
    other = SimpleNamespace(cell_id="c", raw_cell="1/0", store_history=True)
    hooks._post_run_cell(result_of(other, error_before_exec=KeyboardInterrupt()))

    (record,) = bench.session.cells
    assert (record.execution_count, record.status) == (7, "interrupted")
    assert record.duration_s == pytest.approx(1.0)


def test_an_end_without_a_beginning_is_else_no_cell() -> None:
    """As after ``%load_ext greencell``, or a request that keeps no history."""
    bench = Bench.make()
    hooks = Hooks(SimpleNamespace(events=None, execution_count=8), bench.session, None, bench.clock)
    for error, stored in ((None, True), (KeyboardInterrupt(), False), (SyntaxError(), True)):
        info = SimpleNamespace(cell_id="c", raw_cell="pass", store_history=stored)
        hooks._post_run_cell(result_of(info, error_before_exec=error))
    hooks._post_run_cell(None)
    assert bench.session.cells == ()


def test_a_cell_whose_first_hook_failed_is_there_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a cell has begun under these hooks, one that has a number has a record."""
    bench = Bench.make()
    shell = SimpleNamespace(events=None, execution_count=8)
    hooks = Hooks(shell, bench.session, None, bench.clock)
    first = SimpleNamespace(cell_id="a", raw_cell="pass", store_history=True)
    hooks._pre_run_cell(first)
    hooks._post_run_cell(result_of(first))

    def fails(*_: object, **__: object) -> None:
        raise OSError("nothing to read")

    shell.execution_count = 9
    info = SimpleNamespace(cell_id="b", raw_cell="pass", store_history=True)
    with monkeypatch.context() as patch:
        patch.setattr(bench.session, "open_run", fails)
        hooks._pre_run_cell(info)
    bench.pass_time(1.0)
    hooks._post_run_cell(result_of(info, execution_count=8))
    empty = SimpleNamespace(cell_id="c", raw_cell="", store_history=True)
    hooks._post_run_cell(result_of(empty))

    assert [(one.cell_id, one.status) for one in bench.session.cells] == [
        ("a", "ok"),
        ("b", "lost"),
    ]
    lost = bench.session.cells[1]
    assert (lost.energy_j, lost.co2_g, lost.by_component_j) == (None, None, {})  # unknown, not 0
    assert "lost" in lost.flags
    totals = bench.session.to_dict()["totals"]
    assert totals["energy_kwh"] == totals["cells_energy_kwh"] + totals["between_cells_energy_kwh"]
    assert hooks.guard.failures == 1
