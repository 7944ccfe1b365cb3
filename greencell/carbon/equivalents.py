"""Everyday equivalents: energy as lamp time, which needs no grid, and CO2 as a way by car.

Each has its source and year. A tree is told per ten years, as its source does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from greencell.carbon.footprint import scaled
from greencell.carbon.tables import BadTable, Row, Tables
from greencell.model import Interval

_CARS: Final = {"US": "car_us_km", "GB": "car_uk_petrol_km"}
_CAR_ELSEWHERE: Final = "car_eu_fleet_km"
_ENERGY: Final = (
    "led_bulb_hour_kwh",
    "litre_water_boiled_kwh",
    "laptop_hour_kwh",
    "smartphone_charge_kwh",
)
_TREE: Final = "tree_seedling_10_years"
_PUBLISHERS: Final = {
    "definition": "by definition", "physics": "physics", "epa-equivalencies": "EPA",
    "desnz-2026": "DESNZ", "green-algorithms": "Green Algorithms", "eea-2024": "EEA",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Equivalent:
    """So many of a thing.

    Attributes:
        key: of the row in ``equivalents.csv``.
        amount: hours, litres, charges, kilometres, or trees that grow for ten years.
        source: who says what one of it is, and of when.
    """

    key: str
    kind: Literal["energy", "co2"]
    amount: Interval
    source: str


def equivalents(
    energy_kwh: Interval, co2_kg: Interval, country: str, tables: Tables
) -> tuple[Equivalent, ...]:
    """The energy in everyday things, then the CO2; what its table row is damaged for is left out.

    Args:
        country: alpha-2 code, for the cars that drive there.
    """
    rows: dict[str, Row] = {}
    for row in tables.rows("equivalents"):
        rows[row.fields.get("key", "")] = row
    wanted = [
        *((key, "energy", energy_kwh) for key in _ENERGY),
        (_CARS.get(country, _CAR_ELSEWHERE), "co2", co2_kg),
        (_TREE, "co2", co2_kg),
    ]
    found = []
    for key, kind, quantity in wanted:
        try:
            row = rows[key]
            amount = scaled(quantity, 1.0 / row.number("value", 0.0, 1e6))
            publisher = _PUBLISHERS.get(row.text("source"), row.text("source"))
            found.append(Equivalent(key, kind, amount, f"{publisher}, {row.year()}"))  # type: ignore[arg-type]  # the two kinds above
        except (BadTable, KeyError):
            continue
    return tuple(found)
