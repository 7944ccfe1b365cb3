"""Jetson's rails: each joule once, and what feeds nothing that is counted is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.sources.file_source import FileGauge
from greencell.sources.jetson import find_jetson
from greencell.testing import HwmonTree

MONITOR = "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3"
SECOND = "bus/i2c/drivers/ina3221/1-0041/hwmon/hwmon4"
OLD = "bus/i2c/drivers/ina3221x/6-0040/iio:device0"


def jetson_tree(root: Path, *labels: str, second: tuple[str, ...] = ()) -> HwmonTree:
    tree = HwmonTree(root)
    for key, folder, rails in (("ina3221", MONITOR, labels), ("second", SECOND, second)):
        tree.add_chip("ina3221", key=key, folder=folder)
        for channel, label in enumerate(rails, start=1):
            tree.add_rail(key, channel, label, power_w=float(channel))
    return tree


def components(gauges: list[FileGauge]) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {gauge.info.id: (gauge.info.component, gauge.info.parts) for gauge in gauges}


def test_an_orin_nx_shows_the_board_and_counts_two_rails(tmp_path: Path) -> None:
    """A rail of CPU and GPU together cannot be told apart, and the board is beside the sum."""
    tree = jetson_tree(tmp_path, "VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC")
    tree.set_text("ina3221", "in7_label", "sum of shunt voltages")
    tree.set_text("ina3221", "in7_input", "8080")

    gauges, skipped = find_jetson(tmp_path)

    assert components(gauges) == {
        "jetson:VDD_IN": ("node", ("node:*",)),
        "jetson:VDD_CPU_GPU_CV": ("soc", ("cpu:*", "gpu:soc", "soc:cv")),
        "jetson:VDD_SOC": ("soc", ("soc:core",)),
    }
    assert [gauge.info.scope for gauge in gauges] == ["node", "component", "component"]
    assert [gauge.read_w() for gauge in gauges] == pytest.approx([1.0, 2.0, 3.0])
    assert skipped == []


def test_an_agx_orin_has_no_board_rail(tmp_path: Path) -> None:
    """The peripherals' rail is not counted and said to be left out; memory is a part of its own."""
    jetson_tree(
        tmp_path, "VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", second=("NC", "VDDQ_VDD2_1V8AO")
    )

    gauges, skipped = find_jetson(tmp_path)

    assert components(gauges) == {
        "jetson:VDD_GPU_SOC": ("gpu", ("gpu:soc", "soc:core")),
        "jetson:VDD_CPU_CV": ("cpu", ("cpu:*", "soc:cv")),
        "jetson:VDDQ_VDD2_1V8AO": ("dram", ("dram:*",)),
    }
    assert [one.id for one in skipped] == ["jetson:VIN_SYS_5V0"]


@pytest.mark.parametrize(
    ("label", "component"),
    [
        ("VDD_CPU", "cpu"),
        ("SYS5V_CPU", "cpu"),
        ("VDD_CPU_SOC_MSS", "cpu"),
        ("VDD_SYS_GPU", "gpu"),
        ("GPU", "gpu"),
        ("VDD_SYS_DDR", "dram"),
        ("VDDRQ", "dram"),
        ("CV", "soc"),
    ],
)
def test_a_rails_name_tells_what_it_feeds(tmp_path: Path, label: str, component: str) -> None:
    """Names of TX1 to Thor."""
    jetson_tree(tmp_path, label)

    (gauge,), _ = find_jetson(tmp_path)

    assert gauge.info.component == component


def test_module_and_carrier_board_are_the_whole(tmp_path: Path) -> None:
    """On TX2 they hang side by side on the supply."""
    jetson_tree(tmp_path, "VDD_MUX", "VDD_IN", "VDD_5V0_IO_SYS")

    (board,), skipped = find_jetson(tmp_path)

    assert board.info.id == "jetson:VDD_IN+VDD_MUX"
    assert board.read_w() == pytest.approx(3.0)
    assert [one.id for one in skipped] == ["jetson:VDD_5V0_IO_SYS"]


def test_old_boards_show_milliwatts(tmp_path: Path) -> None:
    """Jetson Nano with Jetson Linux 32."""
    tree = HwmonTree(tmp_path)
    names = {"rail_name_0": "POM_5V_IN", "rail_name_1": "POM_5V_GPU", "rail_name_2": "POM_5V_CPU"}
    tree.add_chip("ina3221x", folder=OLD, texts=names)
    for channel, power_w in enumerate((4.5, 1.25, 2.0)):
        tree.add_power("ina3221x", f"in_power{channel}_input", power_w, unit_w=1e-3)

    gauges, _ = find_jetson(tmp_path)

    assert {gauge.info.component: gauge.read_w() for gauge in gauges} == {
        "node": 4.5, "gpu": 1.25, "cpu": 2.0,
    }  # fmt: skip


def test_the_monitor_tells_its_period(tmp_path: Path) -> None:
    """``update_interval`` is in ms."""
    tree = jetson_tree(tmp_path, "VDD_IN")
    tree.set_text("ina3221", "update_interval", "35")

    (gauge,), _ = find_jetson(tmp_path)

    assert gauge.info.period_s == pytest.approx(0.035)


def test_a_board_without_monitors_is_no_jetson(tmp_path: Path) -> None:
    """Neither is one whose monitors watch nothing."""
    with pytest.raises(SourceUnavailable):
        find_jetson(tmp_path)
    jetson_tree(tmp_path, "NC")
    with pytest.raises(SourceUnavailable):
        find_jetson(tmp_path)


def test_a_rail_that_is_closed_is_named(tmp_path: Path) -> None:
    """A total without it must not look whole."""
    tree = jetson_tree(tmp_path, "VDD_CPU", "VDD_GPU")
    tree.lock("ina3221/curr2_input")

    gauges, (skipped,) = find_jetson(tmp_path, opener=tree.open_readonly)

    assert [gauge.info.id for gauge in gauges] == ["jetson:VDD_CPU"]
    assert (skipped.id, skipped.flag) == ("jetson:VDD_GPU", "no-permission")


CONTENT = st.one_of(st.binary(max_size=40), st.integers(-(2**70), 2**70).map(lambda n: b"%d" % n))


@settings(deadline=None)
@given(contents=st.lists(CONTENT, min_size=6, max_size=6))
def test_no_content_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    """Whatever files hold: a plausible reading, or one of the two errors that callers know."""
    root = tmp_path_factory.mktemp("sys")
    tree = jetson_tree(root, "VDD_IN", "VDD_CPU")
    tree.add_chip("ina3221x", folder=OLD, texts={"rail_name_0": "POM_5V_GPU"})
    files = [root / MONITOR / name for name in ("in1_label", "in1_input", "curr2_input")]
    files += [root / OLD / name for name in ("rail_name_0", "in_power0_input")]
    files.append(root / MONITOR / "update_interval")
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    gauges, _ = find_jetson(root)
    files[1].write_bytes(contents[-1])
    for gauge in gauges:
        try:
            assert 0 <= gauge.read_w() <= 250
        except ReadFailed:
            continue
        finally:
            gauge.close()
