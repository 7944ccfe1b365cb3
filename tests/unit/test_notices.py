"""Notices: one line per state, with what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from greencell.attribution import DeviceUse
from greencell.guard import Guard
from greencell.model import CarbonFactor, CarbonInfo, Skipped, SourceInfo
from greencell.notices import notices
from greencell.wire import MAX_TEXT, Notice

CARBON = CarbonInfo(CarbonFactor("FR", 41.4), "France", "annual average", 2025, "Ember", "setting")
MODEL = SourceInfo("model:vcpu", "cpu", "model", "estimated", 0.01, 0.0, 0.0, 0.5, 2.0)
COUNTER = SourceInfo("rapl:package-0", "cpu", "counter", "measured", 0.001, 6e-5, 0.03)
GPU = SourceInfo("nvml:GPU-1", "gpu", "counter", "measured", 0.1, 0.001, 0.05)
HOPELESS = Skipped("rapl", "this machine is virtual", "run on bare metal", "virtual")
CLOSED = Skipped("rapl", "closed", "sudo rapl", "no-permission")


def told(*infos: SourceInfo, skipped: tuple[Skipped, ...] = (), **more: Any) -> dict[str, Notice]:
    """Notices by id."""
    lost, guards = more.pop("lost", ()), more.pop("guards", ())
    found = list(notices(infos, lost, skipped, CARBON, guards, **more))
    assert len({notice.id for notice in found}) == len(found)
    for notice in found:
        assert notice.text and len(notice.text) <= MAX_TEXT
        assert "\n" not in notice.text + notice.remedy
        assert notice.about in notice.text
    return {notice.id: notice for notice in found}


def test_a_machine_that_is_metered_needs_no_words() -> None:
    """Silence where all is well."""
    assert told(COUNTER, GPU, device_use=[None, DeviceUse(0.5, 0.0, 1, 0)]) == {}


@pytest.mark.parametrize(
    "skipped",
    [
        Skipped("rapl", "closed", "sudo a", "no-permission", "", "cpu measured"),
        Skipped("perf", "closed", "sudo b", "no-permission", "opens it", "CPU and dram measured"),
        Skipped("emi", "no driver", "load c", "unsupported", "", "cpu measured instead"),
        Skipped("vcgencmd", "no program", "install d", benefit="cpu and dram measured"),
    ],
)
def test_an_estimate_names_what_would_meter_the_cpu_whatever_the_door(skipped: Skipped) -> None:
    """The first that brings something for the CPU, before all that do not."""
    other = replace(skipped, id="later", remedy="later")
    gpu = Skipped("nvml", "no permission", "sudo gpu", "no-permission", "", "gpu measured")

    notice = told(MODEL, skipped=(HOPELESS, gpu, skipped, other))["estimated"]

    assert notice.remedy == skipped.remedy
    assert ("may not be read" in notice.text) == (skipped.flag == "no-permission")


def test_an_estimate_without_such_a_door_says_what_it_said() -> None:
    """RAPL's remedy, or none at all."""
    closed, hopeless, none = (
        told(MODEL, skipped=skipped)["estimated"] for skipped in ((CLOSED,), (HOPELESS,), ())
    )

    assert (closed.remedy, hopeless.remedy, none.remedy) == ("sudo rapl", "run on bare metal", "")
    assert "may not be read" in closed.text
    assert "no power meter" in hopeless.text


def test_a_benefit_without_a_command_is_no_remedy() -> None:
    """What cannot be done is not proposed."""
    skipped = Skipped("perf", "old kernel", "", "unsupported", "", "cpu measured")

    assert told(MODEL, skipped=(skipped, CLOSED))["estimated"].remedy == "sudo rapl"
    assert "estimated" not in told(COUNTER, skipped=(CLOSED,))


def test_a_lost_source_is_told_with_what_to_do() -> None:
    """By its name."""
    notice = told(COUNTER, GPU, lost=[GPU])["lost:nvml:GPU-1"]

    assert notice.level == "warning"
    assert "restart the kernel" in notice.remedy


def test_a_meter_that_stood_still_is_told() -> None:
    """From the flags of the figures; other flags are told elsewhere."""
    notice = told(COUNTER, flags=("gap", "stale"))["stale"]

    assert notice.level == "warning" and "greencell doctor" in notice.remedy
    assert told(COUNTER, flags=("gap",)) == {}


@pytest.mark.parametrize(
    ("use", "is_told"),
    [
        (None, False),
        (DeviceUse(None, None, 1, 0), False),
        (DeviceUse(None, None, 1, 2), True),
        (DeviceUse(0.5, None, 1, 2), True),
        (DeviceUse(0.5, 0.2, 1, 2), False),
        (DeviceUse(None, None, 0, 2), False),
    ],
)
def test_a_gpu_in_many_hands_is_told_where_nothing_tells_the_shares(
    use: DeviceUse | None, is_told: bool
) -> None:
    """With utilisation the energy is split, and there is nothing to say."""
    found = told(COUNTER, GPU, device_use=[None, use])

    assert (list(found) == ["shared:nvml:GPU-1"]) == is_told
    assert is_told or found == {}


def test_a_divided_gpu_is_told() -> None:
    """MIG: its one meter holds what other instances draw."""
    notice = told(COUNTER, replace(GPU, flags=("mig",)))["mig:nvml:GPU-1"]

    assert "MIG" in notice.text and notice.remedy


def test_faults_come_first() -> None:
    """The most important on top."""
    guard = Guard("sampler")
    guard.run(lambda: 1 / 0)

    found = told(MODEL, skipped=(CLOSED,), guards=[guard], lost=[GPU], flags=("stale",))

    assert list(found) == ["fault:sampler", "lost:nvml:GPU-1", "estimated", "stale"]
