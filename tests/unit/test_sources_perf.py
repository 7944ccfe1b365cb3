"""perf's power events: the second door to RAPL, on a simulated kernel."""

from __future__ import annotations

import errno
import shutil
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.sources.perf import DEAD, REMEDY, PerfCounter, find_perf, ticking
from greencell.sources.perf_event import LinuxKernel, count_of, counting_attr
from greencell.sources.perf_power import parse_cpus, read_pmu
from greencell.testing import FakeClock, FakePerf


def found(fake: FakePerf, root: Path, *, amd: bool = False) -> list[PerfCounter]:
    counters, _ = find_perf(root, amd=amd, kernel=fake)
    return counters


def ids(counters: list[PerfCounter]) -> list[str]:
    return [counter.info.id for counter in counters]


def test_the_attribute_is_laid_out_byte_for_byte() -> None:
    """type u32, size u32, config u64, and 48 bytes of 0, as the first published struct."""
    attr = counting_attr(23, 0x02)

    assert attr == bytes.fromhex("17000000 40000000 0200000000000000") + bytes(48)
    assert len(attr) == 64


@pytest.mark.skipif(sys.platform != "linux", reason="the call is Linux's")
def test_the_real_call_reaches_the_kernel() -> None:
    """An event type that no kernel has is refused by the kernel, with its own reason."""
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        LinuxKernel().open(counting_attr(0x7FFFFFFF, 0), 0)

    assert refusal.value.errno in {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOSYS}


@pytest.mark.skipif(sys.platform != "linux", reason="the call is Linux's")
def test_a_real_event_counts() -> None:
    """The clock of a CPU, which the kernel counts in software, takes the same attribute."""
    software, cpu_clock = 1, 0  # PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK
    kernel = LinuxKernel()
    try:
        fd = kernel.open(counting_attr(software, cpu_clock), 0)
    except OSError as refusal:
        pytest.skip(f"this user may not count whole CPUs: {refusal.strerror}")
    first, second = count_of(kernel.read(fd)), count_of(kernel.read(fd))
    kernel.close(fd)

    assert first is not None and second is not None
    assert 0 < first < second


def test_packages_and_memory_are_counted_each_for_its_socket(tmp_path: Path) -> None:
    """Cores and graphics lie inside the package, so they are not there a second time."""
    fake = FakePerf(tmp_path, sockets=(0, 1))
    for event in ("energy-cores", "energy-pkg", "energy-ram", "energy-gpu"):
        fake.add(event)

    counters = found(fake, tmp_path)

    assert ids(counters) == [
        "perf:package-0", "perf:package-1", "perf:dram-0", "perf:dram-1",
    ]  # fmt: skip
    assert [counter.info.parts for counter in counters] == [
        ("cpu:0",), ("cpu:1",), ("dram:0",), ("dram:1",),
    ]  # fmt: skip


def test_the_socket_is_the_topologys_and_not_the_cpus_number(tmp_path: Path) -> None:
    """A machine with a hole has sockets 0 and 2."""
    fake = FakePerf(tmp_path, sockets=(0, 2))
    fake.add("energy-pkg")

    assert ids(found(fake, tmp_path)) == ["perf:package-0", "perf:package-2"]


def test_where_the_topology_is_hidden_each_cpu_of_the_mask_is_a_package(tmp_path: Path) -> None:
    """The mask holds one CPU a package."""
    fake = FakePerf(tmp_path, sockets=(3, 7))
    fake.add("energy-pkg")
    shutil.rmtree(tmp_path / "devices")

    assert ids(found(fake, tmp_path)) == ["perf:package-0", "perf:package-1"]


def test_dies_count_for_themselves_at_intel_and_mirror_their_socket_at_amd(tmp_path: Path) -> None:
    """Adding AMD's would double the socket."""
    fake = FakePerf(tmp_path, sockets=(0, 0))
    fake.add("energy-pkg")

    assert ids(found(fake, tmp_path)) == ["perf:package-0-die-0", "perf:package-0-die-1"]
    assert ids(found(fake, tmp_path, amd=True)) == ["perf:package-0"]


def test_psys_is_the_whole_machine_and_one(tmp_path: Path) -> None:
    """It is shown beside the sum, never in it."""
    fake = FakePerf(tmp_path, sockets=(0, 1))
    fake.add("energy-psys", power_w=90.0)

    (counter,) = found(fake, tmp_path)
    fake.advance(2.0)

    assert (counter.info.id, counter.info.component) == ("perf:psys", "node")
    assert (counter.info.scope, counter.info.parts) == ("node", ("node:*",))
    assert counter.read() * counter.joules_per_unit == pytest.approx(180.0)


def test_an_event_that_opens_and_never_counts_is_left_out(tmp_path: Path) -> None:
    """As seen on a virtual machine's psys: 0 for ever. The others are not waited for longer."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg", power_w=20.0)
    fake.add("energy-psys", power_w=0.0)
    clock = FakeClock(fake.advance)
    began_ns = clock.monotonic_ns()

    living, dead = ticking(found(fake, tmp_path), clock.sleep_s)

    assert ids(living) == ["perf:package-0"]
    assert [(one.id, one.reason) for one in dead] == [("perf:psys", DEAD)]
    assert fake.open_count == 1
    assert clock.monotonic_ns() - began_ns == pytest.approx(50e6)


def test_events_that_count_are_waited_for_one_tick(tmp_path: Path) -> None:
    """One that cannot be read is told of when it is used."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg", power_w=20.0)
    counters = found(fake, tmp_path)
    clock = FakeClock(fake.advance)
    began_ns = clock.monotonic_ns()

    assert ticking(counters, clock.sleep_s) == (counters, [])
    assert clock.monotonic_ns() - began_ns == pytest.approx(1e6)
    fake.fail_reads = errno.EIO
    assert ticking(counters, clock.sleep_s) == (counters, [])


def test_the_count_is_joules_by_its_scale(tmp_path: Path) -> None:
    """From the moment of opening; nothing wraps."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg", power_w=250.0)
    fake.advance(5.0)
    (counter,) = found(fake, tmp_path)
    assert counter.read() == 0
    fake.advance(100_000.0)  # far beyond 32 bits of the register

    assert counter.range_units is None
    assert counter.read() * counter.joules_per_unit == pytest.approx(25e6)
    assert counter.joules_per_unit == 2.0**-32


@pytest.mark.parametrize(("amd", "gain"), [(False, 0.03), (True, 0.05)])
def test_the_gain_is_the_makers(tmp_path: Path, amd: bool, gain: float) -> None:
    """As for the same counters behind the other door."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg")

    (counter,) = found(fake, tmp_path, amd=amd)

    assert counter.info.relative_error == gain


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("level", ["2\n", "garbage\n", None])
def test_a_closed_door_is_named_once_with_its_key_and_its_price(
    tmp_path: Path, code: int, level: str | None
) -> None:
    """One setting opens all events."""
    fake = FakePerf(tmp_path, sockets=(0, 1))
    fake.add("energy-pkg")
    fake.add("energy-ram")
    fake.refuse = code
    set_paranoid(tmp_path, level)

    counters, (one,) = find_perf(tmp_path, amd=False, kernel=fake, procfs_root=tmp_path)

    assert counters == []
    assert (one.id, one.flag, one.remedy) == ("perf", "no-permission", REMEDY)
    assert "CAP_PERFMON" in one.caution
    assert one.benefit == "cpu measured instead of estimated"
    assert ("is 2)" in one.reason) == (level == "2\n")


def test_a_refusal_that_the_kernel_would_not_make_is_a_containers(tmp_path: Path) -> None:
    """The setting is open already, so it is no remedy."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg")
    fake.refuse = errno.EPERM
    set_paranoid(tmp_path, "-1\n")

    _, (one,) = find_perf(tmp_path, amd=False, kernel=fake, procfs_root=tmp_path)

    assert one.flag == "masked"
    assert "--cap-add PERFMON" in one.remedy


def set_paranoid(procfs_root: Path, level: str | None) -> None:
    if level is not None:
        folder = procfs_root / "sys/kernel"
        folder.mkdir(parents=True)
        (folder / "perf_event_paranoid").write_text(level)


def test_another_refusal_is_told_of_each_event(tmp_path: Path) -> None:
    """A processor without an event, a kernel without the call."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg")
    fake.add("energy-ram")
    fake.refuse = errno.ENODEV

    counters, skipped = find_perf(tmp_path, amd=False, kernel=fake)

    assert counters == []
    assert [(one.id, one.flag) for one in skipped] == [
        ("perf:package-0", "unsupported"), ("perf:dram-0", "unsupported"),
    ]  # fmt: skip


def test_no_power_events_are_a_reason(tmp_path: Path) -> None:
    """The whole kind is not there."""
    with pytest.raises(SourceUnavailable, match="no power events") as nothing:
        find_perf(tmp_path, amd=False, kernel=FakePerf(tmp_path / "elsewhere"))

    assert nothing.value.remedy == "sudo modprobe rapl"


@pytest.mark.parametrize("name", ["type", "cpumask"])
def test_a_pmu_that_does_not_tell_its_cpus_is_left_out(tmp_path: Path, name: str) -> None:
    """Nothing can be opened without them."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg")
    (fake.folder / name).write_text("oops\n")

    with pytest.raises(SourceUnavailable, match="do not tell"):
        find_perf(tmp_path, amd=False, kernel=fake)


@pytest.mark.parametrize(
    ("suffix", "text"), [("", "oops"), (".scale", "nan"), (".scale", "0"), (".unit", "Watts")]
)
def test_an_event_in_an_unknown_unit_is_named_and_not_read(
    tmp_path: Path, suffix: str, text: str
) -> None:
    """The others are."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg")
    fake.add("energy-ram")
    (fake.folder / "events" / f"energy-ram{suffix}").write_text(f"{text}\n")

    counters, (one,) = find_perf(tmp_path, amd=False, kernel=fake)

    assert ids(counters) == ["perf:package-0"]
    assert one.id == "perf:energy-ram"


def test_a_short_read_fails_and_an_ended_event_is_gone(tmp_path: Path) -> None:
    """No number comes out of either."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg")
    (counter,) = found(fake, tmp_path)
    fake.short = True
    with pytest.raises(ReadFailed):
        counter.read()
    fake.short, fake.ended = False, True
    with pytest.raises(SourceGone):
        counter.read()


def test_a_closed_counter_stays_closed(tmp_path: Path) -> None:
    """Its descriptor is released once."""
    fake = FakePerf(tmp_path)
    fake.add("energy-pkg")
    (counter,) = found(fake, tmp_path)
    counter.close()
    counter.close()

    assert fake.open_count == 0
    with pytest.raises(ReadFailed, match="closed"):
        counter.read()


@given(st.text())
def test_no_text_makes_a_list_of_cpus_crash(text: str) -> None:
    """It is a list, or none."""
    cpus = parse_cpus(text)

    assert cpus == sorted(set(cpus))
    assert len(cpus) <= 8_192


@given(st.binary(max_size=16))
def test_only_eight_bytes_are_a_count(data: bytes) -> None:
    """Little endian, as the machines that have these events."""
    count = count_of(data)

    assert (count is not None) == (len(data) == 8)
    assert count is None or struct.pack("<Q", count) == data


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(st.binary(max_size=40), min_size=5, max_size=5))
def test_no_tree_raises_anything_but_the_named_error(tmp_path: Path, texts: list[bytes]) -> None:
    """Whatever the files hold."""
    root = tmp_path / "tree"
    shutil.rmtree(root, ignore_errors=True)
    fake = FakePerf(root)
    fake.add("energy-pkg")
    names = ("type", "cpumask", "events/energy-pkg", "events/energy-pkg.scale")
    for name, text in zip(names, texts, strict=False):
        (fake.folder / name).write_bytes(text)
    (root / "devices/system/cpu/cpu0/topology/physical_package_id").write_bytes(texts[4])

    try:
        pmu = read_pmu(root, amd=False)
    except SourceUnavailable:
        return
    assert pmu.places
