"""Windows' energy meters: what is counted, and what every buffer may hold."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.model import Skipped
from greencell.sources.emi import EmiCounter, find_emi
from greencell.sources.emi_buffers import (
    Channel,
    Malformed,
    parse_energies,
    parse_metadata,
    parse_metadata_size,
    parse_version,
)
from greencell.sources.emi_device import (
    IOCTL_GET_MEASUREMENT,
    IOCTL_GET_METADATA,
    IOCTL_GET_METADATA_SIZE,
    IOCTL_GET_VERSION,
    EmiDevice,
    WindowsRefusal,
)
from greencell.testing import FakeEmiDevice

LAPTOP = {
    "RAPL_Package0_PKG": 20.0,
    "RAPL_Package0_DRAM": 3.0,
    "RAPL_Package0_PP0": 12.0,
    "RAPL_Package0_PP1": 1.0,
    "RAPL_Package0_Core3_CORE": 2.0,
}
# Two channels as emi.h lays them out: 32 + 32 bytes of names, revision 7, 2 channels.
V2 = (
    "Contoso".encode("utf-16-le").ljust(32, b"\0")
    + "Meter".encode("utf-16-le").ljust(32, b"\0")
    + bytes.fromhex("0700 0200")
    + bytes.fromhex("00000000 0400") + b"A\0\0\0"
    + bytes.fromhex("05000000 0600") + b"B\0C\0\0\0"
)  # fmt: skip
V1 = (
    bytes.fromhex("00000000")
    + "Contoso".encode("utf-16-le").ljust(32, b"\0")
    + "Meter".encode("utf-16-le").ljust(32, b"\0")
    + bytes.fromhex("0700 0800") + b"C\0P\0U\0\0\0"
)  # fmt: skip


def found(
    *devices: EmiDevice | WindowsRefusal, amd: bool = False
) -> tuple[list[EmiCounter], list[Skipped]]:
    named = [(f"device{index}", device) for index, device in enumerate(devices)]
    return find_emi("win32", amd=amd, open_devices=lambda: named)


def test_the_buffers_are_read_byte_for_byte() -> None:
    """Version, size, both kinds of metadata, and a measurement of two channels."""
    measurement = struct.pack("<QQQQ", 7, 1, 2**64 - 1, 2)

    assert parse_version(b"\x02\x00") == 2
    assert parse_metadata_size(b"\x5c\x00\x00\x00") == 92
    assert parse_metadata(2, V2) == (Channel("A", 0), Channel("BC", 5))
    assert parse_metadata(1, V1) == (Channel("CPU", 0),)
    assert parse_energies(measurement, 2) == (7, 2**64 - 1)


@pytest.mark.parametrize(("version", "data"), [(1, V1), (2, V2)])
def test_metadata_that_ends_early_is_malformed_wherever_it_ends(version: int, data: bytes) -> None:
    """No channel is made up of what is not there."""
    for length in range(len(data)):
        with pytest.raises(Malformed):
            parse_metadata(version, data[:length])


def test_what_no_buffer_can_say_is_malformed() -> None:
    """Unknown versions, absurd sizes, measurements of another number of channels."""
    for version in (b"", b"\x02", b"\x03\x00", b"\x00\x00", b"\x02\x00\x00"):
        with pytest.raises(Malformed):
            parse_version(version)
    for size in (b"", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x01\x00"):
        with pytest.raises(Malformed):
            parse_metadata_size(size)
    for channels in (0, 1, 3):
        with pytest.raises(Malformed):
            parse_energies(bytes(32), channels)


@given(st.sampled_from([1, 2]), st.binary(max_size=300))
def test_no_bytes_raise_anything_but_malformed(version: int, data: bytes) -> None:
    """Nor make a channel without a device's word for it."""
    for parse in (parse_version, parse_metadata_size):
        with contextlib.suppress(Malformed):
            assert parse(data) > 0
    try:
        channels = parse_metadata(version, data)
    except Malformed:
        return
    assert all("\0" not in channel.name for channel in channels)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            IOCTL_GET_VERSION: st.binary(max_size=4) | st.just(b"\x02\x00"),
            IOCTL_GET_METADATA_SIZE: st.binary(max_size=6),
            IOCTL_GET_METADATA: st.binary(max_size=200),
            IOCTL_GET_MEASUREMENT: st.binary(max_size=100),
        },
    )
)
def test_no_device_makes_discovery_crash(answers: dict[int, bytes]) -> None:
    """It has counters that answer, or a reason; and it is closed if it has none."""
    device = FakeEmiDevice(LAPTOP)
    device.answers = answers
    counters, _ = found(device)
    for counter in counters:
        assert counter.read() >= 0
    if not counters:
        assert device.closed


def test_packages_and_memory_are_counted_and_what_lies_inside_is_not() -> None:
    """In picowatt hours: 20 W for 10 s are 200 J."""
    device = FakeEmiDevice(LAPTOP)
    counters, skipped = found(device)
    before = [counter.read() for counter in counters]
    device.advance(10.0)
    joules = [
        (counter.read() - start) * counter.joules_per_unit
        for counter, start in zip(counters, before, strict=True)
    ]

    assert [counter.info.id for counter in counters] == ["emi:package-0", "emi:dram-0"]
    assert [counter.info.parts for counter in counters] == [("cpu:0",), ("dram:0",)]
    assert joules == pytest.approx([200.0, 30.0])
    assert skipped == []


@pytest.mark.parametrize(("amd", "gain"), [(False, 0.03), (True, 0.05)])
def test_the_gain_is_that_of_rapl(amd: bool, gain: float) -> None:
    """The same registers behind another door."""
    (counter,), _ = found(FakeEmiDevice({"RAPL_Package0_PKG": 1.0}), amd=amd)

    assert counter.info.relative_error == gain


def test_mirrored_dies_show_it_in_their_first_reading() -> None:
    """Whether two packages are one is for the caller to decide, who knows the processor."""
    device = FakeEmiDevice({"RAPL_Package0_PKG": 68.0, "RAPL_Package1_PKG": 68.0})
    counters, _ = found(device)

    assert [counter.first_units for counter in counters] == [10**9, 10**9]


def test_one_measurement_serves_all_channels_of_a_device() -> None:
    """Those read at the same moment."""
    device = FakeEmiDevice(LAPTOP)
    counters, _ = found(device)
    device.measurements = 0
    for counter in counters:
        counter.read()

    assert device.measurements == 1


def test_a_meter_of_the_first_version_has_one_channel() -> None:
    """A maker's own meter, which does not say what it holds, is named and not counted."""
    counters, _ = found(FakeEmiDevice({"RAPL_Package0_PKG": 5.0}, version=1))
    none, (one,) = found(FakeEmiDevice({"Rail 7": 5.0}, version=1))

    assert [counter.info.id for counter in counters] == ["emi:package-0"]
    assert none == []
    assert one.id == "emi:Rail 7"


def test_an_unknown_unit_is_not_taken_for_picowatt_hours() -> None:
    """There is one unit today."""
    device = FakeEmiDevice({"RAPL_Package0_PKG": 5.0}, unit=1)
    counters, (one,) = found(device)

    assert counters == []
    assert "unit" in one.reason
    assert device.closed == 1


@pytest.mark.parametrize(
    ("code", "error"), [(31, ReadFailed), (1167, SourceGone), (1617, SourceGone), (433, SourceGone)]
)
def test_a_refused_measurement_is_a_failed_read_or_the_end(
    code: int, error: type[Exception]
) -> None:
    """By what Windows says of the device."""
    device = FakeEmiDevice(LAPTOP)
    (counter, _), _ = found(device)
    device.refuse[IOCTL_GET_MEASUREMENT] = WindowsRefusal("DeviceIoControl", code)

    with pytest.raises(error):
        counter.read()


def test_meters_that_hold_no_package_are_named() -> None:
    """Cores alone would be a part that looks like the whole."""
    counters, (one,) = found(FakeEmiDevice({"RAPL_Package0_PP0": 5.0}))

    assert counters == []
    assert (one.id, one.flag) == ("emi", "unsupported")


def test_a_device_is_closed_with_its_last_counter() -> None:
    """Once, and a closed counter stays closed."""
    device = FakeEmiDevice(LAPTOP)
    counters, _ = found(device)
    closed = []
    for counter in counters:
        counter.close()
        counter.close()
        closed.append(device.closed)
        with pytest.raises(ReadFailed, match="closed"):
            counter.read()

    assert closed == [0, 1]


def test_a_device_that_refuses_is_named_and_the_others_are_counted() -> None:
    """With the flag where it is a matter of rights."""
    counters, (denied, broken) = found(
        WindowsRefusal("CreateFileW", 5), WindowsRefusal("CreateFileW", 31), FakeEmiDevice(LAPTOP)
    )

    assert len(counters) == 2
    assert (denied.id, denied.flag) == ("emi:device0", "no-permission")
    assert (broken.id, broken.flag) == ("emi:device1", "unsupported")


def test_a_device_whose_first_measurement_fails_leaves_nothing_open() -> None:
    """What does not answer at the beginning is left out."""
    device = FakeEmiDevice(LAPTOP)
    device.answers[IOCTL_GET_MEASUREMENT] = b"short"
    counters, (one,) = found(device)

    assert counters == []
    assert "5 bytes" in one.reason
    assert device.closed >= 1


@pytest.mark.parametrize("system", ["linux", "darwin", "cygwin"])
def test_other_systems_have_none(system: str) -> None:
    """Nothing of Windows is touched there."""
    with pytest.raises(SourceUnavailable, match="not Windows"):
        find_emi(system, amd=False)


def test_a_machine_without_a_meter_and_one_that_lists_none_say_why() -> None:
    """Virtual machines have none."""

    def refuse() -> Iterator[tuple[str, EmiDevice]]:
        raise WindowsRefusal("SetupDiGetClassDevsW", 13)
        yield  # makes it a generator

    with pytest.raises(SourceUnavailable, match="no energy meter"):
        find_emi("win32", amd=False, open_devices=list)
    with pytest.raises(SourceUnavailable, match="does not list"):
        find_emi("win32", amd=False, open_devices=refuse)
