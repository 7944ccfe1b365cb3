"""Who used a GPU: NVML's utilisation by process, on the simulated library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.attribution import DeviceUse
from greencell.sources.base import SharedDevice
from greencell.sources.nvml import NvmlSource, find_gpus
from greencell.sources.nvml_library import NvmlLibrary
from greencell.sources.nvml_use import UseReader, mean_percentages
from greencell.testing import FakeNvml

OWN = frozenset({10, 11})


def device(procfs_root: Path = Path("/nonexistent")) -> NvmlSource:
    (source,), _ = find_gpus({}, pynvml, procfs_root)
    assert isinstance(source, SharedDevice)
    return source


@pytest.mark.parametrize("counts_energy", [True, False])
def test_the_shares_are_those_of_the_time_since_the_last_question(
    fake: FakeNvml, counts_energy: bool
) -> None:
    """What was before is not counted again."""
    gpu = fake.add_gpu(70.0, counts_energy=counts_energy)
    source = device()
    fake.set_processes(gpu, {10: 60, 7: 20})
    fake.advance(2.0)
    first = source.use(OWN)
    fake.set_processes(gpu, {10: 5, 11: 10, 7: 80, 8: 0})
    fake.advance(2.0)
    second = source.use(OWN)

    assert first == DeviceUse(60.0, 20.0, 1, 1)
    assert second == DeviceUse(15.0, 80.0, 2, 2)


def test_a_device_that_nobody_used_since_is_idle_and_not_unknown(fake: FakeNvml) -> None:
    """NVML answers that it found nothing."""
    gpu = fake.add_gpu(70.0)
    source = device()
    assert source.use(OWN) == DeviceUse(0.0, 0.0, 0, 0)
    fake.set_processes(gpu, {10: 60})
    fake.advance(1.0)
    source.use(OWN)

    assert source.use(OWN) == DeviceUse(0.0, 0.0, 1, 0)


def test_half_the_time_is_half_the_share(fake: FakeNvml) -> None:
    """A process has no samples of the time in which it was idle, which are not left out."""
    gpu = fake.add_gpu(70.0)
    source = device()
    fake.set_processes(gpu, {10: 50, 7: 50})
    fake.advance(1.0)
    fake.set_processes(gpu, {10: 0, 7: 50})
    fake.advance(1.0)

    assert source.use(OWN) == DeviceUse(25.0, 50.0, 1, 1)


@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_UNKNOWN])
def test_a_device_without_samples_still_tells_its_processes(fake: FakeNvml, code: int) -> None:
    """Their shares are unknown, their number is not."""
    gpu = fake.add_gpu(70.0)
    source = device()
    fake.set_processes(gpu, {10: 60, 7: 20})
    fake.fail("nvmlDeviceGetProcessUtilization", code)

    assert source.use(OWN) == DeviceUse(None, None, 1, 1)


def test_samples_that_come_in_between_are_asked_for_again(fake: FakeNvml) -> None:
    """The bindings ask for the number first, which may grow before they ask for the samples."""
    gpu = fake.add_gpu(70.0)
    source = device()
    fake.set_processes(gpu, {10: 60})
    fake.advance(1.0)
    fake.fail("nvmlDeviceGetProcessUtilization", pynvml.NVML_ERROR_INSUFFICIENT_SIZE, times=1)
    assert source.use(OWN) == DeviceUse(60.0, 0.0, 1, 0)

    fake.fail("nvmlDeviceGetProcessUtilization", pynvml.NVML_ERROR_INSUFFICIENT_SIZE)
    assert source.use(OWN) == DeviceUse(None, None, 1, 0)


def test_a_success_that_the_bindings_raise_is_nothing_found() -> None:
    """They take every answer but "too small" for an error."""

    def nothing(handle: object, last_seen_us: int) -> list[object]:
        raise pynvml.NVMLError(pynvml.NVML_SUCCESS)

    nvml = SimpleNamespace(
        NVMLError=pynvml.NVMLError,
        nvmlDeviceGetProcessUtilization=nothing,
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [],
    )
    reader = UseReader(NvmlLibrary(nvml), object(), splits=True)

    assert reader.read(OWN) == DeviceUse(0.0, 0.0, 0, 0)


def test_entries_that_are_no_samples_are_not_counted() -> None:
    """Drivers hand out empty entries, old ones, and percentages beyond all bounds."""
    entries = [
        Sample(0, 0, 0), Sample(10, 900_000, 40), Sample(10, 1_100_000, 4_000_000_000),
    ]  # fmt: skip
    nvml = SimpleNamespace(
        NVMLError=pynvml.NVMLError,
        nvmlDeviceGetProcessUtilization=lambda handle, last_seen_us: entries,
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [],
    )
    reader = UseReader(NvmlLibrary(nvml), object(), splits=True)

    assert reader.read(OWN) == DeviceUse(40.0, 0.0, 0, 0)
    assert reader.read(OWN) == DeviceUse(0.0, 0.0, 0, 0)


def test_mig_is_not_asked_for_samples(fake: FakeNvml) -> None:
    """NVML has none there."""
    gpu = fake.add_gpu(70.0)
    fake.set_mig(gpu, on=True)
    source = device()
    fake.set_processes(gpu, {10: 60})

    assert source.use(OWN) == DeviceUse(None, None, 1, 0)


def test_users_that_cannot_be_told_apart_are_unknown(fake: FakeNvml, tmp_path: Path) -> None:
    """In a container the driver's process numbers are the host's; or it may not be asked."""
    gpu = fake.add_gpu(70.0)
    fake.set_processes(gpu, {10: 60})
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to("pid:[4026532999]")
    assert device(tmp_path).use(OWN) is None

    fake.fail("nvmlDeviceGetComputeRunningProcesses_v3", pynvml.NVML_ERROR_NO_PERMISSION)
    assert device().use(OWN) is None


@dataclass
class Sample:
    """As the bindings have it."""

    pid: int
    timeStamp: int  # noqa: N815  # the bindings' name
    smUtil: int  # noqa: N815  # likewise


def test_stamps_a_moment_apart_are_one_sample() -> None:
    """Drivers stamp each process for itself."""
    samples = [
        Sample(10, 1_000_000, 40), Sample(7, 1_000_900, 20),
        Sample(10, 1_166_667, 60), Sample(7, 1_167_500, 20),
    ]  # fmt: skip

    assert mean_percentages(samples, OWN) == (50.0, 20.0)


@given(
    st.lists(
        st.builds(
            Sample,
            pid=st.sampled_from([7, 8, 10, 11]),
            timeStamp=st.integers(0, 2**63),
            smUtil=st.integers(0, 100),
        )
    )
)
def test_the_two_shares_are_to_each_other_as_the_work(samples: list[Sample]) -> None:
    """Whatever the stamps."""
    own, others = mean_percentages(samples, OWN)
    own_work = sum(sample.smUtil for sample in samples if sample.pid in OWN)
    all_work = sum(sample.smUtil for sample in samples)

    assert own >= 0
    assert others >= 0
    assert own * (all_work - own_work) == pytest.approx(others * own_work)
