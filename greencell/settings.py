"""Settings: environment over IPython configuration over defaults.

A bad value is named in one line and the default is used; nothing here raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from greencell.carbon.tables import MAX_INTENSITY_G_PER_KWH, MAX_PUE
from greencell.model import Attribution

ENVIRONMENT_PREFIX = "GREENCELL_"
TABLE = "table"
PROVIDERS = ("electricitymaps", "uk", "rte", "energinet", "watttime")
"""Of live figures, as ``greencell.carbon.live.choice`` opens them."""

_ADDRESS = "intensity_provider_url"
_CONFIG = "c.GreenCell."
_OF_PROVIDERS = (
    "GREENCELL_ELECTRICITYMAPS_TOKEN", "GREENCELL_WATTTIME_USER", "GREENCELL_WATTTIME_PASSWORD",
    "GREENCELL_WATTTIME_REGION",
)  # fmt: skip
"""What ``greencell.carbon.live`` reads itself; to load that for its names would cost too much."""
_LATER = (
    "price_per_kwh", "currency", "summary", "tag", "clusters", "hosted_calls", "otlp_endpoint",
    "otlp",
)  # fmt: skip
"""Settings that are promised and do nothing yet."""
_MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may set. ``None`` means: found out at start.

    Attributes:
        zone: country, subdivision or cloud region.
        intensity_g_per_kwh: overrides the zone's table.
        intensity_provider: who is asked for live figures; ``table``: nobody, and no network.
        intensity_provider_url: a proxy or mirror that is asked in the provider's stead.
        history_max_days, history_max_mb: what is older or more is deleted; ``None``: nothing is.
        interval_s: how often the background thread samples.
        sysfs_root, procfs_root: where the host's ``/sys`` and ``/proc`` are mounted.
        cpu_tdp_w: thermal design power of the CPU, for the model.
        cpu_vcpus_shared: how many virtual CPUs this machine has of its host.
    """

    zone: str | None = None
    intensity_g_per_kwh: float | None = None
    intensity_provider: str = TABLE
    intensity_provider_url: str | None = None
    pue: float | None = None
    attribution: Attribution = "kernel"
    interval_s: float = 1.0
    history: bool = True
    history_max_days: float | None = None
    history_max_mb: float | None = None
    data_dir: Path | None = None
    store_source: bool = False
    sysfs_root: Path = Path("/sys")
    procfs_root: Path = Path("/proc")
    cpu_model: str | None = None
    cpu_tdp_w: float | None = None
    vcpus_shared: int | None = None


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Settings and one line for each value that could not be used."""

    settings: Settings
    problems: tuple[str, ...]


class _BadValue(Exception):
    """The words say which values are good."""


def read_settings(environment: Mapping[str, str], config: Mapping[str, object]) -> ReadSettings:
    """Read all settings.

    Args:
        environment: e.g. ``os.environ``.
        config: traits of ``c.GreenCell``, e.g. ``{"zone": "FR"}``.
    """
    settings = Settings()
    problems: list[str] = []
    for trait in (field.name for field in fields(Settings)):
        variable = environment_name(trait)
        given: list[tuple[str, object]] = []
        if environment.get(variable, "") != "":
            given.append((variable, environment[variable]))
        if trait in config:
            given.append((f"{_CONFIG}{trait}", config[trait]))
        for origin, value in given:
            try:
                # The parser of each trait returns what its field holds.
                settings = replace(
                    settings, **cast("dict[str, Any]", {trait: _PARSERS[trait](value)})
                )
                break
            except _BadValue as problem:
                shown = "…" if trait == _ADDRESS and "@" in str(value) else str(value)[:60]
                problems.append(f"greencell: {origin}={shown!r} is not usable: {problem}.")
    if settings.intensity_provider != TABLE and settings.intensity_g_per_kwh is not None:
        problems.append(
            f"greencell: intensity_g_per_kwh is set and wins; {settings.intensity_provider} "
            "is not asked."
        )
        settings = replace(settings, intensity_provider=TABLE)
    problems += _unknown(environment, config)
    return ReadSettings(settings, tuple(problems))


def _unknown(environment: Mapping[str, str], config: Mapping[str, object]) -> Iterator[str]:
    """A line for each name that is no setting, with what may have been meant; no value is told."""
    variables = (*map(environment_name, _PARSERS), *_OF_PROVIDERS)
    later = tuple(map(environment_name, _LATER))
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and name not in variables and value:
            yield _not_a_setting(ENVIRONMENT_PREFIX, name, variables, later)
    traits, later = (tuple(_CONFIG + trait for trait in names) for names in (_PARSERS, _LATER))
    for trait in config:
        if trait not in _PARSERS:
            yield _not_a_setting(_CONFIG, f"{_CONFIG}{trait}", traits, later)


def _not_a_setting(prefix: str, name: str, known: Sequence[str], later: Sequence[str]) -> str:
    if name in later:
        return f"greencell: {name} is a setting of a later version; this one leaves it alone."
    from difflib import get_close_matches  # only where somebody mistyped

    shown = name[:_MAX_NAME] if name[:_MAX_NAME].isprintable() else ascii(name[:_MAX_NAME])
    # What all have in common makes none alike; GREENCELL_Zone means GREENCELL_ZONE.
    spelled = {one.removeprefix(prefix).upper(): one for one in known}
    near = get_close_matches(name[len(prefix) : _MAX_NAME].upper(), spelled, n=1)
    hint = f"did you mean {spelled[near[0]]}?" if near else f"the settings are {', '.join(known)}."
    return f"greencell: {shown} is not a setting; {hint}"


def environment_name(trait: str) -> str:
    """The environment variable of a trait."""
    prefix = "CPU_" if trait == "vcpus_shared" else ""
    return f"{ENVIRONMENT_PREFIX}{prefix}{trait.upper()}"


def _text(value: object) -> str:
    text = str(value).strip()
    if not text or not text.isprintable():
        raise _BadValue("it must be one line of text")
    return text


def _address(value: object) -> str:
    # Imported where it is used: nobody else needs what it stands on.
    from greencell.carbon.address import base_address

    try:
        return base_address(_text(value))
    except ValueError as problem:
        raise _BadValue(str(problem)) from problem


def _number(low: float, high: float, *, above: bool = False) -> Callable[[object], float]:
    def parse(value: object) -> float:
        try:
            number = float(cast("str", value))
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        bound = "above" if above else "from"
        if not (low < number <= high or (number == low and not above)):
            raise _BadValue(f"it must be a number {bound} {low:g} to {high:g}")
        return number

    return parse


def _count(value: object) -> int:
    number = _number(1, 65_536)(value)
    if number != int(number):
        raise _BadValue("it must be a whole number")
    return int(number)


def _choice(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = str(value).strip().lower()
        if text not in choices:
            raise _BadValue(f"it must be {' or '.join(choices)}")
        return text

    return parse


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("on", "true", "yes", "1"):
        return True
    if word in ("off", "false", "no", "0"):
        return False
    raise _BadValue("it must be on or off")


def _folder(value: object) -> Path:
    path = _future_folder(value)
    try:
        exists = path.is_dir()
    except (OSError, ValueError):  # a name that no file system takes
        exists = False
    if not exists:
        raise _BadValue("there is no such folder")
    return path


def _future_folder(value: object) -> Path:
    try:
        return Path(_text(value)).expanduser()
    except RuntimeError as error:
        raise _BadValue("it names a home folder that does not exist") from error


_PARSERS: Mapping[str, Callable[[object], object]] = {
    "zone": _text,
    "intensity_g_per_kwh": _number(0, MAX_INTENSITY_G_PER_KWH, above=True),
    "intensity_provider": _choice(TABLE, *PROVIDERS),
    _ADDRESS: _address,
    "pue": _number(1, MAX_PUE),
    "attribution": _choice("kernel", "machine"),
    "interval_s": _number(0.1, 30),
    "history": _switch,
    "history_max_days": _number(0, 36_500, above=True),
    "history_max_mb": _number(0, 1_000_000, above=True),
    "data_dir": _future_folder,
    "store_source": _switch,
    "sysfs_root": _folder,
    "procfs_root": _folder,
    "cpu_model": _text,
    "cpu_tdp_w": _number(0.5, 2_000),
    "vcpus_shared": _count,
}
