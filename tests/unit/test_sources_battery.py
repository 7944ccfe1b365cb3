"""Batteries show the machine only while they alone feed it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.sources.battery import ON_MAINS, find_battery
from greencell.sources.plausible import most_w, read_possible_w
from greencell.testing import HwmonTree

SUPPLIES = "class/power_supply"


def laptop(root: Path, power_w: float = 12.5, online: str = "0") -> HwmonTree:
    tree = HwmonTree(root)
    tree.add_chip("AC", folder=f"{SUPPLIES}/AC", texts={"type": "Mains", "online": online})
    add_battery(tree, "BAT0", "Discharging", power_w)
    return tree


def add_battery(tree: HwmonTree, name: str, status: str, power_w: float) -> None:
    tree.add_chip(name, folder=f"{SUPPLIES}/{name}", texts={"type": "Battery", "status": status})
    tree.add_power(name, "power_now", power_w)


def test_a_battery_that_drains_shows_the_machine(tmp_path: Path) -> None:
    """It is the whole machine with its screen, beside the sum."""
    laptop(tmp_path)

    (gauge,), skipped = find_battery(tmp_path)

    assert gauge.read_w() == pytest.approx(12.5)
    assert (gauge.info.component, gauge.info.scope) == ("node", "node")
    assert gauge.info.parts == ("node:*",)
    assert gauge.info.id == "battery:BAT0"
    assert skipped == []


@pytest.mark.parametrize("sign", ["", "-"])
def test_current_times_voltage_is_power_whatever_the_sign(tmp_path: Path, sign: str) -> None:
    """The ABI has the current negative, drivers disagree."""
    tree = HwmonTree(tmp_path)
    texts = {
        "type": "Battery",
        "status": "Discharging",
        "current_now": f"{sign}1500000",
        "voltage_now": "12000000",
    }
    tree.add_chip("BAT1", folder=f"{SUPPLIES}/BAT1", texts=texts)

    (gauge,), _ = find_battery(tmp_path)

    assert gauge.read_w() == pytest.approx(18.0)


@pytest.mark.parametrize(
    ("file", "text"),
    [("AC/online", "1"), ("BAT0/status", "Charging"), ("BAT0/status", "Not charging")],
)
def test_on_mains_nothing_is_read(tmp_path: Path, file: str, text: str) -> None:
    """A battery beside the mains shows what charges it, or nothing."""
    tree = laptop(tmp_path)
    supply, name = file.split("/")
    (gauge,), _ = find_battery(tmp_path)
    tree.set_text(supply, name, text)

    with pytest.raises(ReadFailed, match="mains"):
        gauge.read_w()
    found, (skipped,) = find_battery(tmp_path)

    assert found == []
    assert (skipped.id, skipped.reason) == ("battery:BAT0", ON_MAINS)


def test_pulling_the_plug_brings_it_back(tmp_path: Path) -> None:
    """The state is asked at each read."""
    tree = laptop(tmp_path)
    (gauge,), _ = find_battery(tmp_path)
    tree.set_text("AC", "online", "1")
    with pytest.raises(ReadFailed):
        gauge.read_w()
    tree.set_text("AC", "online", "0")

    assert gauge.read_w() == pytest.approx(12.5)


def test_a_charger_on_usb_is_mains_too(tmp_path: Path) -> None:
    """Machines without a barrel plug have no supply of type Mains."""
    tree = laptop(tmp_path)
    tree.add_chip("ucsi", folder=f"{SUPPLIES}/ucsi", texts={"type": "USB", "online": "1"})

    found, (skipped,) = find_battery(tmp_path)

    assert found == []
    assert skipped.reason == ON_MAINS


def test_two_batteries_are_one_machine(tmp_path: Path) -> None:
    """One drains while the other rests; both together are what the machine draws."""
    tree = laptop(tmp_path, power_w=9.0)
    add_battery(tree, "BAT1", "Full", 0.0)

    (gauge,), _ = find_battery(tmp_path)

    assert gauge.info.id == "battery:BAT0+BAT1"
    assert gauge.read_w() == pytest.approx(9.0)


def test_a_battery_that_is_taken_out_is_missed(tmp_path: Path) -> None:
    """What the other one gives is not the whole any more."""
    tree = laptop(tmp_path)
    add_battery(tree, "BAT1", "Discharging", 3.0)
    (gauge,), _ = find_battery(tmp_path)
    (tmp_path / SUPPLIES / "BAT1/status").unlink()

    with pytest.raises(ReadFailed, match="taken out"):
        gauge.read_w()


def test_a_mouse_is_no_machine(tmp_path: Path) -> None:
    """Batteries of scope Device and empty slots do not feed the machine."""
    tree = HwmonTree(tmp_path)
    device = {"type": "Battery", "status": "Discharging", "scope": "Device"}
    tree.add_chip("hidpp", folder=f"{SUPPLIES}/hidpp_battery_0", texts=device)
    empty = {"type": "Battery", "status": "Unknown", "present": "0"}
    tree.add_chip("BAT1", folder=f"{SUPPLIES}/BAT1", texts=empty)

    with pytest.raises(SourceUnavailable):
        find_battery(tmp_path)


def test_more_than_a_laptop_draws_is_no_reading(tmp_path: Path) -> None:
    """Some firmware shows -1 as an unsigned number."""
    tree = laptop(tmp_path)
    (gauge,), _ = find_battery(tmp_path)
    tree.garbage("BAT0/power_now", "4294967295000\n")

    with pytest.raises(ReadFailed, match="cannot be"):
        read_possible_w(gauge, most_w(gauge))


CONTENT = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"Discharging\n", b"Mains\n", b"Battery\n", b"0\n"]),
    st.integers(-(2**70), 2**70).map(lambda n: b"%d" % n),
)


@settings(deadline=None)
@given(contents=st.lists(CONTENT, min_size=5, max_size=5), later=CONTENT)
def test_no_content_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], later: bytes
) -> None:
    """Whatever files hold: a plausible reading, or one of the two errors that callers know."""
    root = tmp_path_factory.mktemp("sys")
    laptop(root)
    battery, mains = root / SUPPLIES / "BAT0", root / SUPPLIES / "AC"
    files = [battery / "power_now", mains / "online", battery / "status", mains / "type"]
    files.append(battery / "type")
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    try:
        gauges, _ = find_battery(root)
    except SourceUnavailable:
        return
    files[0].write_bytes(later)
    for gauge in gauges:
        try:
            assert 0 <= gauge.read_w() <= 500
        except ReadFailed:
            continue
        finally:
            gauge.close()
