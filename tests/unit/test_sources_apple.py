"""Apple Silicon's counters, behind a simulated monitor."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.sources.apple import AppleCounter, find_apple
from greencell.testing import FakeAppleMonitor

M2 = {"cpu_total_mj": 5.0, "dram_mj": 1.0, "gpu_mj": 2.0, "gpu_sram_mj": 0.5, "ane_mj": 0.0}


def found(monitor: FakeAppleMonitor) -> dict[str, AppleCounter]:
    counters, _ = find_apple("darwin", "arm64", lambda: monitor, monitor.clock_s)
    return {counter.info.component: counter for counter in counters}


def test_each_part_of_the_chip_is_counted_once() -> None:
    """The GPU's SRAM is the GPU's; clusters and cores lie inside the CPU's total."""
    monitor = FakeAppleMonitor(**M2)
    counters = found(monitor)
    before = {name: counter.read() for name, counter in counters.items()}
    monitor.advance(10.0)
    joules = {
        name: (counter.read() - before[name]) * counter.joules_per_unit
        for name, counter in counters.items()
    }

    assert joules == pytest.approx({"cpu": 50.0, "dram": 10.0, "gpu": 25.0, "ane": 0.0})
    assert [counter.info.parts for counter in counters.values()] == [
        ("cpu:*",), ("dram:*",), ("gpu:soc",), ("ane:*",),
    ]  # fmt: skip


def test_one_round_of_all_counters_is_one_read() -> None:
    """They show one moment, and the monitor is asked once."""
    monitor = FakeAppleMonitor(**M2)
    counters = found(monitor)
    monitor.reads = 0
    for _ in range(3):
        for counter in counters.values():
            counter.read()

    assert monitor.reads == 3


def test_what_a_chip_does_not_count_is_named() -> None:
    """A counter that was 0 since the start of the machine counts nothing, unless it may rest."""
    monitor = FakeAppleMonitor(0, cpu_total_mj=0.0, gpu_mj=0.0)

    counters, skipped = find_apple("darwin", "arm64", lambda: monitor, monitor.clock_s)

    assert [counter.info.id for counter in counters] == ["apple:gpu"]
    assert [(one.id, one.reason) for one in skipped] == [
        ("apple:cpu", "this chip counts nothing for its CPU"),
        ("apple:dram", "this chip does not count its memory"),
        ("apple:ane", "this chip does not count its neural engine"),
    ]


def test_sram_without_a_gpu_is_no_gpu() -> None:
    """A sum that lacks its main part would be too small."""
    assert "gpu" not in found(FakeAppleMonitor(cpu_total_mj=1.0, gpu_sram_mj=1.0))


def test_a_metric_that_is_missing_for_once_is_a_failed_read() -> None:
    """The GPU without its SRAM would look like a counter that fell."""
    monitor = FakeAppleMonitor(**M2)
    counters = found(monitor)
    counters["gpu"].read()
    monitor.absent = {"gpu_sram_mj"}
    with pytest.raises(ReadFailed, match="gpu_sram_mj"):
        counters["gpu"].read()
    counters["cpu"].read()
    monitor.absent = set()

    assert counters["gpu"].read() == 2_000


@pytest.mark.parametrize(
    ("system", "machine"),
    [("linux", "x86_64"), ("linux", "aarch64"), ("win32", "ARM64"), ("darwin", "x86_64")],
)
def test_other_machines_have_none(system: str, machine: str) -> None:
    """Nothing is imported there."""
    with pytest.raises(SourceUnavailable, match="not Apple Silicon"):
        find_apple(system, machine)


def test_without_the_package_its_name_is_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes with greencell on these machines, unless somebody took it away."""
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", None)
    with pytest.raises(SourceUnavailable) as missing:
        find_apple("darwin", "arm64")

    assert missing.value.remedy == "pip install zeus-apple-silicon"


def test_the_package_is_asked_by_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is there, no argument is needed."""
    monitor = FakeAppleMonitor(**M2)
    module = SimpleNamespace(AppleEnergyMonitor=lambda: monitor)
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", module)

    counters, skipped = find_apple("darwin", "arm64")

    assert len(counters) == 4
    assert skipped == []
    assert counters[0].read() == 1_000


@pytest.mark.parametrize("error", [RuntimeError("no IOReport"), OSError("no IOReport")])
def test_a_monitor_that_does_not_open_or_answer_is_a_reason(error: Exception) -> None:
    """At the beginning it is the whole source that is missing."""

    def refuse() -> Any:
        raise error

    with pytest.raises(SourceUnavailable, match="no IOReport"):
        find_apple("darwin", "arm64", refuse)
    with pytest.raises(SourceUnavailable, match="no IOReport"):
        find_apple("darwin", "arm64", lambda: SimpleNamespace(get_cumulative_energy=refuse))


@given(
    st.dictionaries(
        st.sampled_from(list(M2)),
        st.none() | st.integers() | st.text() | st.floats() | st.binary() | st.lists(st.integers()),
    )
)
def test_no_metrics_raise_anything_but_the_named_errors(metrics: dict[str, Any]) -> None:
    """Whatever a future version yields."""
    answers = [SimpleNamespace(**M2INTS), SimpleNamespace(**metrics)]
    monitor = SimpleNamespace(get_cumulative_energy=lambda: answers.pop(0))
    counters, _ = find_apple("darwin", "arm64", lambda: monitor)
    try:
        assert counters[0].read() >= 0
    except ReadFailed:
        return


M2INTS = dict.fromkeys(M2, 7)
