"""Raspberry Pi 5: all rails or none, and what to do where vcgencmd does not answer."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.sources.raspberry_pi import (
    COMMAND,
    TIMEOUT_S,
    RaspberryPiGauge,
    find_raspberry_pi,
    rails_power_w,
    run,
)

OUTPUT = """\
 3V7_WL_SW_A current(0)=0.10000000A
   3V3_SYS_A current(1)=0.05000000A
  DDR_VDD2_A current(3)=0.20000000A
  VDD_CORE_A current(7)=2.00000000A
 3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
  DDR_VDD2_V volt(11)=1.10000000V
  VDD_CORE_V volt(15)=0.80000000V
     EXT5V_V volt(24)=5.12000000V
      BATT_V volt(25)=0.00000000V
"""
POWER_W = 0.1 * 3.7 + 0.05 * 3.3 + 0.2 * 1.1 + 2.0 * 0.8


class Firmware:
    """Stands in for vcgencmd."""

    def __init__(self, answer: str | Exception = OUTPUT) -> None:
        self.answer = answer
        self.asked: list[tuple[Sequence[str], float]] = []

    def __call__(self, command: Sequence[str], timeout_s: float) -> str:
        self.asked.append((command, timeout_s))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def board(root: Path, model: str = "Raspberry Pi 5 Model B Rev 1.0") -> Path:
    (root / "device-tree").mkdir(parents=True)
    (root / "device-tree/model").write_bytes(model.encode() + b"\0")
    return root


def test_the_rails_are_summed(tmp_path: Path) -> None:
    """Voltage times current of each rail; inputs without a current are no rails."""
    firmware = Firmware()

    (gauge,), skipped = find_raspberry_pi(tmp_path, board(tmp_path), runner=firmware)

    assert gauge.read_w() == pytest.approx(POWER_W)
    assert firmware.asked[-1] == (COMMAND, TIMEOUT_S)
    assert (gauge.info.component, gauge.info.parts) == ("cpu", ("cpu:*", "dram:*"))
    assert skipped == []


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("Raspberry Pi 5 Model B Rev 1.1", True),
        ("Raspberry Pi Compute Module 5 Rev 1.0", True),
        ("Raspberry Pi 500 Rev 1.0", True),
        ("Raspberry Pi 4 Model B Rev 1.5", False),
        ("Raspberry Pi 400 Rev 1.0", False),
        ("Orange Pi 5", False),
        ("", False),
    ],
)
def test_only_the_fifth_generation_has_the_chip(tmp_path: Path, model: str, known: bool) -> None:
    """On other boards the program is not even started."""
    firmware = Firmware()
    if known:
        assert find_raspberry_pi(tmp_path, board(tmp_path, model), runner=firmware)[0]
        return
    with pytest.raises(SourceUnavailable):
        find_raspberry_pi(tmp_path, board(tmp_path, model), runner=firmware)
    assert firmware.asked == []


def test_sysfs_tells_the_board_too(tmp_path: Path) -> None:
    """The file in procfs is a link to that in sysfs, which containers may lack."""
    model = tmp_path / "firmware/devicetree/base/model"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")

    assert find_raspberry_pi(tmp_path, tmp_path / "proc", runner=Firmware())[0]


@pytest.mark.parametrize(
    ("error", "flag", "remedy"),
    [
        (FileNotFoundError(2, "No such file"), "unsupported", "sudo apt install raspi-utils"),
        (PermissionError(13, "denied"), "no-permission", 'sudo usermod -aG video "$USER"'),
        (
            subprocess.CalledProcessError(
                255, COMMAND, stderr=b"Can't open device file: /dev/vcio"
            ),
            "no-permission",
            'sudo usermod -aG video "$USER"',
        ),
        (subprocess.CalledProcessError(1, COMMAND), "unsupported", ""),
        (subprocess.TimeoutExpired(COMMAND, TIMEOUT_S), "unsupported", ""),
    ],
)
def test_a_program_that_does_not_answer_says_why(
    tmp_path: Path, error: Exception, flag: str, remedy: str
) -> None:
    """Each reason has its own remedy."""
    gauges, (skipped,) = find_raspberry_pi(tmp_path, board(tmp_path), runner=Firmware(error))

    assert gauges == []
    assert (skipped.flag, skipped.remedy) == (flag, remedy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'error=1 error_msg="Command not registered"',
        OUTPUT.replace("  VDD_CORE_V volt(15)=0.80000000V\n", ""),
        OUTPUT.replace("=2.00000000A", "=-2.00000000A"),
        OUTPUT.replace("current", "voltage"),
    ],
    ids=["empty", "error", "no voltage", "negative", "no current"],
)
def test_an_output_with_holes_is_no_reading(text: str) -> None:
    """A sum that lacks a rail would be too low and look right."""
    with pytest.raises(ReadFailed):
        rails_power_w(text)


def test_more_than_the_supply_gives_is_no_reading() -> None:
    """27 W is the largest supply."""
    gauge = RaspberryPiGauge(Firmware(OUTPUT.replace("=2.00000000A", "=200.00000000A")))

    with pytest.raises(ReadFailed, match="cannot be"):
        gauge.read_w()


def test_a_closed_gauge_starts_no_program() -> None:
    """A late read must not."""
    firmware = Firmware()
    gauge = RaspberryPiGauge(firmware)
    gauge.close()

    with pytest.raises(ReadFailed):
        gauge.read_w()
    assert firmware.asked == []


def test_programs_really_run_and_end_in_time() -> None:
    """What is printed comes back; a failure and a silence are errors that readers know."""
    assert run([sys.executable, "-c", "print('rail')"], 10.0) == "rail\n"
    with pytest.raises(subprocess.CalledProcessError):
        run([sys.executable, "-c", "raise SystemExit(3)"], 10.0)
    with pytest.raises(subprocess.TimeoutExpired):
        run([sys.executable, "-c", "import time; time.sleep(30)"], 0.2)


LINE = st.from_regex(r" [A-Z]{1,2}_[AV] (current|volt)\([0-9]\)=-?[0-9]{1,12}\.[0-9]{1,4}[AV]")


@given(text=st.one_of(st.text(max_size=200), st.lists(LINE, max_size=6).map("\n".join)))
def test_no_output_raises_anything_else(text: str) -> None:
    """Whatever is printed: a plausible reading or a read that failed."""
    with contextlib.suppress(ReadFailed):
        assert 0 <= RaspberryPiGauge(Firmware(text)).read_w() <= 30
