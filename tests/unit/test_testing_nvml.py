"""The simulated NVML: its truth, its clock, and its ways into a process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
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
