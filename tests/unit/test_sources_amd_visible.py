"""Which AMD GPUs ROCm's environment variables leave to a process."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.sources.amd_visible import uuid_of, visible_gpus
from greencell.sources.amdsmi import find_amdsmi
from greencell.testing import FakeAmdSmi

SERIALS = ("0x00AB0000000000C0", "0xAB1234567890ABCD", "0xAB99000000000001")
UUIDS = [uuid_of(serial) for serial in SERIALS]


@pytest.mark.parametrize(
    ("rocr", "hip", "cuda", "seen"),
    [
        (None, None, None, {0, 1, 2}),
        ("1", None, None, {1}),
        ("2, 0", None, None, {0, 2}),
        ("", None, None, set()),
        ("", "0", None, set()),
        ("-1", None, None, set()),
        ("0,7,1", None, None, {0}),
        ("1,1,2", None, None, {1}),
        ("0,x,1", None, None, {0}),
        ("GPU-AB1234567890ABCD", None, None, {1}),
        ("gpu-ab12", None, None, {1}),
        ("GPU-00ab", None, None, {0}),
        ("GPU-AB", None, None, set()),
        ("0,GPU-AB99", None, None, {0, 2}),
        ("GPU-", None, None, set()),
        ("GPU-FFFF,0", None, None, set()),
        (None, "1,2", None, {1, 2}),
        (None, "GPU-AB99", None, {2}),
        (None, "", None, {0, 1, 2}),
        (None, None, "", {0, 1, 2}),
        (None, None, "2", {2}),
        (None, "", "2", {2}),
        (None, "0", "2", {0}),
        ("2,1", "0", None, {2}),
        ("2,1", "1", None, {1}),
        ("2,1", "2", None, set()),
        ("1,2", "GPU-00AB", None, set()),
        (None, "²", None, set()),
    ],
)
def test_what_the_variables_leave(
    rocr: str | None, hip: str | None, cuda: str | None, seen: set[int]
) -> None:
    """The lower runtime first; HIP counts what that leaves, in its order."""
    values = {
        "ROCR_VISIBLE_DEVICES": rocr, "HIP_VISIBLE_DEVICES": hip, "CUDA_VISIBLE_DEVICES": cuda,
    }  # fmt: skip
    environment = {name: value for name, value in values.items() if value is not None}

    assert visible_gpus(environment, UUIDS) == seen


def test_a_number_that_cannot_be_compared_hides_nothing() -> None:
    """Where a GPU does not tell its own; an index still counts."""
    unknown = ["", UUIDS[1]]

    assert visible_gpus({"ROCR_VISIBLE_DEVICES": "GPU-AB1"}, unknown) == {0, 1}
    assert visible_gpus({"ROCR_VISIBLE_DEVICES": "1"}, unknown) == {1}


@pytest.mark.parametrize("serial", ["", "N/A", "0x0", "None", "GPU"])
def test_what_is_no_number_is_no_uuid(serial: str) -> None:
    """Drivers write several things for an unknown one."""
    assert uuid_of(serial) == ""


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 4))
def test_no_value_raises(rocr: str, hip: str, count: int) -> None:
    """The variables may hold anything."""
    environment = {"ROCR_VISIBLE_DEVICES": rocr, "HIP_VISIBLE_DEVICES": hip}

    assert visible_gpus(environment, UUIDS[:count]) <= set(range(count))


def test_gpus_that_are_left_out_are_named_and_released(tmp_path: Path) -> None:
    """An APU keeps its index; the library is shut down with the last source."""
    fake = FakeAmdSmi(tmp_path)
    fake.add_gpu(15.0, apu=True, serial=SERIALS[0])
    for serial in SERIALS[1:]:
        fake.add_gpu(90.0, serial=serial)

    sources, skipped = find_amdsmi(
        tmp_path, {"HIP_VISIBLE_DEVICES": "0,1"}, fake, pause=fake.advance, clock_s=fake.clock_s
    )

    assert [source.info.id for source in sources] == ["amdsmi:0000:04:00.0"]
    reasons = {one.id: one.reason for one in skipped}
    assert "leaves it out" in reasons["amdsmi:0000:05:00.0"]
    assert "package" in reasons["amdsmi:0000:03:00.0"]
    sources[0].close()
    assert fake.open_count == 0


def test_a_gpu_is_chosen_by_its_number(tmp_path: Path) -> None:
    """As AMD SMI tells it."""
    fake = FakeAmdSmi(tmp_path)
    for serial in SERIALS:
        fake.add_gpu(90.0, serial=serial)

    sources, _ = find_amdsmi(
        tmp_path, {"ROCR_VISIBLE_DEVICES": UUIDS[2]}, fake,
        pause=fake.advance, clock_s=fake.clock_s,
    )  # fmt: skip

    assert [source.info.id for source in sources] == ["amdsmi:0000:05:00.0"]
