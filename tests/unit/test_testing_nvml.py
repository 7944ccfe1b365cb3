"""The simulated NVML: its truth, its clock, and its ways into a process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pynvml
import pytest

from greencell.testing import FakeNvml, NoCompiler
from greencell.testing.nvml import build

PROGRAM = """
import pynvml, time
pynvml.nvmlInit()
count = pynvml.nvmlDeviceGetCount()
handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(count)]
begin_mj = [pynvml.nvmlDeviceGetTotalEnergyConsumption(h) for h in handles]
begin_s = time.monotonic()
time.sleep(1.0)
joules = [(pynvml.nvmlDeviceGetTotalEnergyConsumption(h) - b) / 1e3 for h, b in zip(handles, begin_mj)]
elapsed_s = time.monotonic() - begin_s
print(count, *[j / elapsed_s for j in joules])
"""


@pytest.fixture
def fake(tmp_path: Path) -> FakeNvml:
    try:
        return FakeNvml(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))


def test_the_counter_shows_the_last_tick(fake: FakeNvml) -> None:
    """True to the energy at the last multiple of the update period, over changes of power."""
    gpu = fake.add_gpu(100.0, update_s=0.1)
    fake.install(pynvml)
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(gpu)
    fake.advance(0.25)
    first_mj = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    fake.set_power(gpu, 300.0)
    fake.advance(0.25)
    second_mj = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    pynvml.nvmlShutdown()
    fake.uninstall(pynvml)

    assert first_mj == 20_000
    assert second_mj == 100_000
    assert fake.true_j(gpu) == pytest.approx(100.0)
    assert fake.open_count == 0


def test_a_frozen_counter_stands_still_while_energy_goes_on(fake: FakeNvml) -> None:
    """What was spent meanwhile is in the first tick after it."""
    gpu = fake.add_gpu(100.0, update_s=0.1)
    fake.install(pynvml)
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(gpu)
    fake.advance(1.0)
    fake.freeze(gpu)
    fake.advance(1.0)
    frozen_mj = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    fake.freeze(gpu, frozen=False)
    fake.advance(0.1)
    thawed_mj = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    pynvml.nvmlShutdown()
    fake.uninstall(pynvml)

    assert [frozen_mj, thawed_mj] == [100_000, 210_000]


@pytest.mark.parametrize(
    ("architecture", "capability", "usage_w"),
    [(4, (6, 0), 300.0), (7, (8, 0), 300.0), (7, (8, 6), 150.0), (9, (9, 0), 150.0)],
    ids=["Pascal", "GA100", "GA102", "Hopper"],
)
def test_the_mean_is_of_the_last_second(
    fake: FakeNvml, architecture: int, capability: tuple[int, int], usage_w: float
) -> None:
    """Field 185 everywhere; ``nvmlDeviceGetPowerUsage`` from Ampere on, without GA100."""
    gpu = fake.add_gpu(50.0)
    fake.set_architecture(gpu, architecture, capability)
    fake.install(pynvml)
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(gpu)
    fake.advance(5.0)
    fake.set_power(gpu, 100.0)
    fake.advance(0.25)
    fake.set_power(gpu, 300.0)
    fake.advance(0.375)  # 0.375 s of 50 W, 0.25 s of 100 W and 0.375 s of 300 W
    usage_mw = pynvml.nvmlDeviceGetPowerUsage(handle)
    mean, instant = pynvml.nvmlDeviceGetFieldValues(handle, [185, 186])
    pynvml.nvmlShutdown()
    fake.uninstall(pynvml)

    true_mean_mw = 0.375 * 50_000 + 0.25 * 100_000 + 0.375 * 300_000
    assert mean.value.uiVal == true_mean_mw
    assert instant.value.uiVal == 300_000
    assert usage_mw == pytest.approx(true_mean_mw if usage_w == 150.0 else 300_000)


def test_a_slow_function_really_takes_its_time(fake: FakeNvml) -> None:
    """Until it is healed; the others are as quick as ever."""
    gpu = fake.add_gpu(70.0)
    fake.install(pynvml)
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(gpu)
    fake.delay("nvmlDeviceGetPowerUsage", 0.05)
    slow_s = duration_s(lambda: pynvml.nvmlDeviceGetPowerUsage(handle))
    quick_s = duration_s(lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    fake.heal()
    healed_s = duration_s(lambda: pynvml.nvmlDeviceGetPowerUsage(handle))
    pynvml.nvmlShutdown()
    fake.uninstall(pynvml)

    assert slow_s >= 0.05
    assert max(quick_s, healed_s) < slow_s


def duration_s(call: Callable[[], object]) -> float:
    begin_s = time.perf_counter()
    call()
    return time.perf_counter() - begin_s


def test_another_process_finds_it_by_path_and_environment(tmp_path: Path) -> None:
    """As many GPUs as asked for, at the power asked for, by the machine's clock."""
    try:
        build(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    environment = os.environ | {
        "LD_LIBRARY_PATH": str(tmp_path), "FAKENVML_GPUS": "3", "FAKENVML_POWER_W": "120",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )

    count, *watts = done.stdout.split()
    assert count == "3"
    assert [float(power) for power in watts] == pytest.approx([120.0] * 3, rel=0.05)


def test_without_a_compiler_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None on the path, or one that does not work: both are a reason to skip, not a crash."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCompiler, match="no C compiler"):
        build(tmp_path)
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'stdint.h: No such file' >&2\nexit 1\n")
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(NoCompiler, match=r"stdint\.h"):
        build(tmp_path)


def test_a_library_is_compiled_once(tmp_path: Path) -> None:
    """Tests that share a folder share the library, each with a clean one."""
    try:
        FakeNvml(tmp_path).add_gpu(1.0)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    made_ns = (tmp_path / "libnvidia-ml.so.1").stat().st_mtime_ns

    assert FakeNvml(tmp_path).add_gpu(1.0) == 0
    assert (tmp_path / "libnvidia-ml.so.1").stat().st_mtime_ns == made_ns
