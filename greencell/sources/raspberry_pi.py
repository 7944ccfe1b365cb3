"""Raspberry Pi 5: the rails behind its power management chip, as ``vcgencmd`` shows them.

``vcgencmd pmic_read_adc`` (Raspberry Pi documentation, Raspberry Pi OS, vcgencmd) prints a line
for the current and one for the voltage of each of twelve rails; the sum of their products is
what the board's parts draw. Losses between the socket and the rails, and what hangs on USB, are
not in it: a fit of one board to a wall meter gave 1.1451 times the sum plus 0.5879 W (pi-top's
documentation), which is told and not applied. Earlier models have no such chip.

One reading starts a program and takes milliseconds, so only the background thread should read.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.model import Skipped, SourceInfo
from greencell.sources.sysfs_file import Opener, open_readonly, text_or_none

COMMAND: Final = ("vcgencmd", "pmic_read_adc")
TIMEOUT_S: Final = 0.5
PERIOD_S: Final = 0.1
"""Judgement: the chip converts its rails one after the other whenever it is asked."""
GAIN: Final = 0.10
"""Standard gain error; judgement: nothing is published, and losses are not in the sum."""
MAX_POWER_W: Final = 30.0
"""More than the board can draw from its 27 W supply."""
DETAIL: Final = "rails of the power management chip; at the wall about 1.15 times that + 0.6 W"
NO_PROGRAM_REMEDY: Final = "sudo apt install raspi-utils"
NO_ACCESS_REMEDY: Final = 'sudo usermod -aG video "$USER"'
BENEFIT: Final = "cpu and dram measured instead of estimated"
_DEVICE: Final = b"/dev/vc"
"""Stands in what vcgencmd says where it may not ask the firmware."""
_ID: Final = "raspberry_pi:pmic"
_MODEL: Final = re.compile(r"Raspberry Pi (?:Compute Module )?5(?:00)?\b.*")
_MODELS: Final = "device-tree/model"
_SYSFS_MODELS: Final = "firmware/devicetree/base/model"
_LINE: Final = re.compile(r"\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=(-?\d{1,9}\.\d{1,12})\2\s*")

Runner = Callable[[Sequence[str], float], str]
"""Runs a program for at most so many seconds and returns what it prints.

Raises ``OSError`` or ``subprocess.SubprocessError``.
"""


def run(command: Sequence[str], timeout_s: float) -> str:
    """What a program prints; see ``Runner``."""
    finished = subprocess.run(  # noqa: S603  # the command is ours, word for word
        command, capture_output=True, timeout=timeout_s, check=True, stdin=subprocess.DEVNULL
    )
    return finished.stdout.decode("ascii", errors="replace")


class RaspberryPiGauge:
    """Power of all rails of the board."""

    def __init__(self, runner: Runner = run) -> None:
        self._run = runner
        self._closed = False
        self.info = SourceInfo(
            _ID, "cpu", "gauge", "measured", PERIOD_S, 0.0, GAIN,
            detail=DETAIL, parts=("cpu:*", "dram:*"),
        )  # fmt: skip

    def read_w(self) -> float:
        if self._closed:
            raise ReadFailed(f"{_ID} is closed")
        try:
            text = self._run(COMMAND, TIMEOUT_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise ReadFailed(f"{_ID}: {error}") from error
        power_w = rails_power_w(text)
        if power_w > MAX_POWER_W:
            raise ReadFailed(f"{_ID} shows {power_w:.3g} W, which cannot be")
        return power_w

    def close(self) -> None:
        self._closed = True


def rails_power_w(text: str) -> float:
    """The power of all rails in the output of ``vcgencmd pmic_read_adc``, in W.

    Raises:
        ReadFailed: it shows no rail, a current without its voltage, or less than nothing.
    """
    shown: dict[str, dict[str, float]] = {"A": {}, "V": {}}
    for line in text.splitlines():
        if match := _LINE.fullmatch(line):
            rail, unit, value = match.groups()
            shown[unit][rail] = float(value)
    currents_a, voltages_v = shown["A"], shown["V"]
    if any(value < 0 for values in shown.values() for value in values.values()):
        raise ReadFailed(f"{_ID} shows less than nothing")
    if not currents_a or not voltages_v.keys() >= currents_a.keys():
        raise ReadFailed(f"{_ID}: the output is not that of pmic_read_adc")
    return sum(current_a * voltages_v[rail] for rail, current_a in currents_a.items())


def find_raspberry_pi(
    sysfs_root: Path,
    procfs_root: Path = Path("/proc"),
    *,
    runner: Runner = run,
    opener: Opener = open_readonly,
) -> tuple[list[RaspberryPiGauge], list[Skipped]]:
    """The gauge of a Raspberry Pi 5, or why it does not answer.

    Args:
        sysfs_root, procfs_root: where the device tree tells the board's model.
        runner: runs ``vcgencmd``.
        opener: opens a file for reading, given its path.

    Raises:
        SourceUnavailable: this is another board.
    """
    model = text_or_none(procfs_root / _MODELS, opener)
    model = model or text_or_none(sysfs_root / _SYSFS_MODELS, opener)
    if model is None or _MODEL.fullmatch(model) is None:
        raise SourceUnavailable("this is no Raspberry Pi 5")
    gauge = RaspberryPiGauge(runner)
    try:
        gauge.read_w()
    except ReadFailed as error:
        return [], [_left_out(error)]
    return [gauge], []


def _left_out(error: ReadFailed) -> Skipped:
    cause = error.__cause__
    if isinstance(cause, FileNotFoundError):
        reason = "the program vcgencmd is missing"
        return Skipped(_ID, reason, NO_PROGRAM_REMEDY, benefit=BENEFIT)
    said = (cause.stderr or b"") if isinstance(cause, subprocess.CalledProcessError) else b""
    if isinstance(cause, PermissionError) or _DEVICE in said:
        reason = "vcgencmd cannot open /dev/vcio, which the group video may"
        return Skipped(_ID, reason, NO_ACCESS_REMEDY, "no-permission", benefit=BENEFIT)
    return Skipped(_ID, str(error))
