"""Figures in words: as their interval allows, rounded so that the text still holds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.model import INCOMPLETE
from greencell.report import figures

WH = 1e-3
"""kWh in a Wh."""
plain = str.maketrans({"\u202f": " "})


def item(
    low: float | None, value: float | None, high: float | None, *flags: str, **more: Any
) -> dict[str, Any]:
    """A cell with an energy in Wh, and as many g of CO2."""
    ends = [None if end is None else end * WH for end in (low, value, high)]
    cell: dict[str, Any] = {"provenance": "measured", "flags": list(flags), "mean_power_w": 8.234}
    for quantity, unit in (("energy", "kwh"), ("co2", "kg")):
        for end, name in zip(ends, ("low_", "", "high_"), strict=True):
            cell[f"{quantity}_{name}{unit}"] = end
    return {**cell, **more}


def energy(*ends_and_flags: Any, **more: Any) -> str:
    return figures.figure(item(*ends_and_flags, **more), "energy").translate(plain)


@pytest.mark.parametrize(
    ("low", "value", "high", "provenance", "shown"),
    [
        (3.3, 3.42, 3.6, "measured", "3.42 Wh"),
        (2.0, 3.42, 5.9, "estimated", "≈ 3.4 Wh"),
        (2.0, 3.42, 5.9, "mixed", "≈ 3.4 Wh"),
        (None, 3.42, None, "measured", "3.42 Wh"),
        (0.4, 1.0, 1.9, "measured", "0.4–1.9 Wh"),
        (0.4, 1.0, 1.9, "estimated", "0.4–1.9 Wh"),
        (1.0, 2.0, 3.0, "measured", "2.00 Wh"),
        (0.0, 1.0, 1.9, "measured", "0–1.9 Wh"),
        (-0.1, 1.0, 1.9, "measured", "0–1.9 Wh"),
        (0.01, 1.0, 12.0, "measured", "0–12 Wh"),
        (0.4999, 1.0, 10.1, "measured", "0–11 Wh"),
        (0.2, 0.5, 0.9992, "measured", "0.2–1.0 Wh"),
        (1.0, 500.0, 996.0, "measured", "0–1.0 kWh"),
        (0.0, 0.0, 1e-13, "measured", "< 1 nWh"),
        (0.0, 0.0, 0.0, "estimated", "0 Wh"),
        (None, None, None, "measured", "–"),
    ],
)
def test_a_figure_is_shown_as_its_interval_allows(
    low: float | None, value: float | None, high: float | None, provenance: str, shown: str
) -> None:
    """A value, or both ends in one unit where the high one is more than three times the low."""
    assert energy(low, value, high, provenance=provenance) == shown


@pytest.mark.parametrize("flag", sorted(INCOMPLETE))
def test_what_lacks_something_is_at_least_that(flag: str) -> None:
    """The sign stands before a value and before a range; it stands for "about" as well."""
    assert energy(3.3, 3.42, 3.6, flag) == "≥ 3.42 Wh"
    assert energy(2.0, 3.42, 5.9, flag, provenance="estimated") == "≥ 3.4 Wh"
    assert energy(0.4, 1.0, 1.9, flag) == "≥ 0.4–1.9 Wh"
    assert energy(None, None, None, flag) == "–"
    assert figures.aside(item(3.3, 3.42, 3.6, flag), "energy") == "incomplete: at least this much"


def test_a_run_too_short_for_its_meter_is_below_a_bound() -> None:
    """Rounded up; with readings missing there is no bound, and never is it zero."""
    assert energy(0.0, 0.00003, 0.000101, "too-short") == "< 110 µWh"
    assert energy(0.0, 0.00003, None, "too-short") == "–"
    assert energy(0.0, 0.00003, 0.000101, "too-short", "gap") == "–"
    assert energy(None, None, 5.0, "too-short") == "–"


def test_a_provisional_figure_says_so_in_every_form() -> None:
    """The sign stands behind; documents without the field are final."""
    assert energy(3.3, 3.42, 3.6, final=False) == "3.42 Wh …"
    assert energy(0.4, 1.0, 1.9, "gap", final=False) == "≥ 0.4–1.9 Wh …"
    assert energy(0.0, 0.00003, 0.000101, "too-short", final=False) == "< 110 µWh …"
    assert energy(None, None, None, final=False) == "– …"
    assert energy(3.3, 3.42, 3.6, final=True) == energy(3.3, 3.42, 3.6) == "3.42 Wh"


def test_co2_has_its_own_interval() -> None:
    """The gram family; a range although the energy is a value."""
    cell = {**item(3.3, 3.42, 3.6), "co2_low_kg": 1.5, "co2_kg": 2.0, "co2_high_kg": 6.0}

    assert figures.figure(cell, "co2").translate(plain) == "1.5–6.0 kg"
    assert figures.figure(cell, "energy").translate(plain) == "3.42 Wh"


@given(
    high=st.floats(1e-10, 1e5), ratio=st.floats(3.01, 1e6),
    flag=st.sampled_from([(), ("gap",), ("too-short",)]),
)  # fmt: skip
def test_every_range_and_every_bound_holds_its_interval(
    high: float, ratio: float, flag: tuple[str, ...]
) -> None:
    """Rounding goes outwards."""
    low = high / ratio
    text = figures.figure(item(low / WH, low / WH, high / WH, *flag), "energy").translate(plain)

    found = re.fullmatch(r"(?:≥ )?(?:< |([\d.]+)–)([\d.]+) (\S+)", text)
    assert found is not None, text
    scale = {"kWh": 1.0, "Wh": 1e-3, "mWh": 1e-6, "µWh": 1e-9, "nWh": 1e-12}[found[3]]
    assert float(found[1] or 0) * scale <= low * (1 + 1e-6)
    assert float(found[2]) * scale >= high * (1 - 1e-6)
    assert float(found[2]) < 1000 or found[3] == "kWh"


@pytest.mark.parametrize(
    ("low", "value", "high", "shown"),
    [
        (96, 100, 104, "± 4 %"),
        (0.4, 1.0, 2.0, "0.4–2.0 Wh"),
        (1.7, 3.4, 6.8, "1.7–6.8 Wh"),
        (None, 1.0, 2.0, ""),
        (0.0, 0.0, 0.0, ""),
    ],
)
def test_an_interval_is_one_number_or_two_ends_in_one_unit(
    low: float | None, value: float, high: float, shown: str
) -> None:
    """The unit is said once."""
    assert figures.interval_words(item(low, value, high), "energy").translate(plain) == shown


def test_beside_a_range_stands_the_best_guess() -> None:
    """Beside a value its interval, beside a bound nothing."""
    asides = [
        figures.aside(item(*ends), "energy").translate(plain)
        for ends in ((0.4, 1.0, 1.9), (96, 100, 104), (0.0, 0.1, 0.2, "too-short"))
    ]

    assert asides == ["best guess ≈ 1.0 Wh", "± 4 %", ""]


def test_the_mean_power_is_told_only_where_the_energy_is_known() -> None:
    """Marked where the energy is a range."""
    shown = [
        figures.mean_power(cell).translate(plain)
        for cell in (
            item(3.3, 3.42, 3.6),
            item(0.4, 1.0, 1.9),
            item(0.0, 0.1, 0.2, "too-short"),
            item(None, None, None),
            item(3.3, 3.42, 3.6, mean_power_w=None),
        )
    ]

    assert shown == ["8.23 W", "≈ 8.23 W", "–", "–", "–"]


def test_the_legend_tells_each_sign_once_and_only_those_there() -> None:
    """What a table does not show needs no words."""
    short = item(0.0, 0.1, 0.2, "too-short")
    late = item(3.3, 3.42, 3.6, final=False)
    lost = item(3.3, 3.42, 3.6, "lost")

    assert figures.legend([item(3.3, 3.42, 3.6)]) == []
    assert figures.legend([short, short, late, lost, item(None, None, None)]) == [
        "< too short for this meter; %%energy repeats it until it can tell",
        "≥ incomplete: at least this much",
        "… provisional: final at the meter's next tick",
        "– unknown",
    ]


@pytest.mark.parametrize(
    ("machine", "others", "node", "shown"),
    [
        (10.0, 3.4, None, "machine 10.0 Wh, others 34 %"),
        (10.0, 0.05, None, ""),
        (10.0, 0.06, None, "machine 10.0 Wh, others 1 %"),
        (10.0, None, None, ""),
        (None, 3.4, None, ""),
        (0.0, 0.0, None, ""),
        (10.0, 0.0, 20.0, "whole machine by its own meter 20.0 Wh"),
        (10.0, 3.4, 20.0, "machine 10.0 Wh, others 34 %; whole machine by its own meter 20.0 Wh"),
        (10.0, 11.0, None, "machine 10.0 Wh, others 100 %"),
    ],
)
def test_what_else_the_machine_used(
    machine: float | None, others: float | None, node: float | None, shown: str
) -> None:
    """Others from half a percent on, and the whole machine's meter where there is one."""
    keys = ("machine_energy_kwh", "others_energy_kwh", "node_energy_kwh")
    besides = {
        key: None if value is None else value * WH
        for key, value in zip(keys, (machine, others, node), strict=True)
    }

    assert figures.machine_words(item(3.3, 3.42, 3.6, **besides)).translate(plain) == shown
    assert figures.machine_words(item(3.3, 3.42, 3.6)) == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.0042, "4 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (5.04, "5.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3720, "1 h 02 min"),
        (7199.6, "2 h 00 min"),
    ],
)
def test_durations_roll_over_to_the_next_unit(seconds: float | None, shown: str) -> None:
    """Never 1000 ms, 60.0 s or 60 min."""
    assert figures.duration(seconds).translate(plain) == shown


@pytest.mark.parametrize(
    ("kwh", "estimated", "shown"),
    [
        (0.9994, False, "999 Wh"),
        (0.9996, False, "1.00 kWh"),
        (0.994, True, "990 Wh"),
        (0.996, True, "1.0 kWh"),
        (999.6e-6, False, "1.00 Wh"),
        (996e-9, True, "1.0 mWh"),
        (-0.9996, False, "-1.00 kWh"),
    ],
)
def test_energies_roll_over_to_the_next_unit(kwh: float, estimated: bool, shown: str) -> None:
    """Never 1000 Wh, with three digits nor with two."""
    assert figures.energy(kwh, estimated=estimated).translate(plain) == shown


@pytest.mark.parametrize(
    ("value_j", "estimated", "shown"),
    [
        (0.0124, False, "12.4 mJ"), (0.0124, True, "12 mJ"), (0.9996, False, "1.00 J"),
        (-0.0003, False, "−300 µJ"), (4_200.0, False, "4.20 kJ"), (1e-12, False, "< 1 nJ"),
        (0.0, False, "0 J"),
    ],
)  # fmt: skip
def test_an_energy_of_one_run_is_told_in_joules(
    value_j: float, estimated: bool, shown: str
) -> None:
    """Three digits of what is measured, two else; what idle energy hides is below 0."""
    assert figures.joules(value_j, estimated=estimated).replace("\u202f", " ") == shown


@pytest.mark.parametrize(
    ("low_j", "high_j", "shown"),
    [
        (0.01211, 0.01289, "12.1 to 12.9 mJ"), (-0.0003, 0.0005, "−300 to 500 µJ"),
        (0.01, 0.01, "10.0 to 10.0 mJ"), (0.0, 0.0, "0.00 to 0.00 nJ"),
        (-2.0, -1.0, "−2.00 to −1.00 J"), (0.99, 1.01, "0.99 to 1.01 J"),
    ],
)  # fmt: skip
def test_two_ends_in_joules_share_a_unit_and_are_rounded_outwards(
    low_j: float, high_j: float, shown: str
) -> None:
    """Either may be below 0."""
    assert figures.joules_between(low_j, high_j).replace("\u202f", " ") == shown


@pytest.mark.parametrize("low", [1e308, 5.0, -1e308])
def test_ends_the_wrong_way_round_break_nothing(low: float) -> None:
    """A fuzzer made such a file."""
    item = {"co2_low_kg": low, "co2_kg": 1e-6, "co2_high_kg": 1e-3, "provenance": "measured"}

    assert figures.interval_words(item, "co2").endswith("g")
    assert figures.figure(item, "co2")
