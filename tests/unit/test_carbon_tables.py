"""The tables: every row resolves, published figures stand in them, and a spoilt row is one line."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.countries import WITHOUT_FIGURE
from greencell.carbon.grid_table import GridTable, UnknownZone
from greencell.carbon.location import locate
from greencell.carbon.tables import BadTable, Tables
from greencell.data import DATA
from greencell.errors import UsageError

TABLE = GridTable()
CODES = sorted(TABLE.codes())


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", [path.stem for path in sorted(DATA.glob("*.csv"))])
def test_every_row_names_a_source_that_is_described(name: str) -> None:
    """No figure without its publisher, licence and credit."""
    sources = {row["id"] for row in rows("sources")}

    cited = {source for row in rows(name) for source in row.get("source", "").split()}

    assert rows(name)
    assert cited <= sources


def test_every_row_of_the_grid_tables_is_a_zone() -> None:
    """By its code, to the figure that stands in it."""
    for row in rows("grid_intensity"):
        code = row["iso2"] if len(row["iso2"]) == 2 else "WORLD"
        assert TABLE.find(code).intensity_g_per_kwh == float(row["g_per_kwh"])
        assert TABLE.find(row["name"]).code == code
    for row in rows("grid_intensity_subregions"):
        official = "-OFFICIAL" if row["scheme"] == "country-official" else ""
        assert TABLE.find(row["zone"] + official).intensity_g_per_kwh == float(row["g_per_kwh"])


def test_every_cloud_region_has_a_grid_and_its_published_pue() -> None:
    """The figure is that of its zone; a PUE of its own comes before its provider's average."""
    for row in rows("cloud_regions"):
        zone = TABLE.find(f"{row['provider']}:{row['region']}")
        assert zone.intensity_g_per_kwh == TABLE.find(row["zone"]).intensity_g_per_kwh
        assert zone.basis == TABLE.find(row["zone"]).basis
        if row["pue"]:
            assert zone.pue == float(row["pue"])
            assert row["pue_year"] in zone.pue_source
        assert (zone.pue is None) == (zone.pue_source == "")


def test_every_time_zone_with_a_country_leads_to_a_zone() -> None:
    """Countries without a figure of their own, too."""
    for row in rows("timezone_zone"):
        found = TABLE.zone_of_timezone(row["tz"])
        is_abbreviation = (
            row["tz"].isupper() and len(row["tz"]) == 3 and row["tz"] not in ("PRC", "ROC", "ROK")
        )
        assert (found is None) == (row["country"] == "" or is_abbreviation)
        if found is not None:
            assert TABLE.find(found[0]).country == row["country"]
            assert all(TABLE.find(code) for code in found[1])


def test_figures_of_the_other_tables_are_numbers() -> None:
    """Footprints of hardware, everyday amounts, buildings: finite and not negative."""
    for name, column in (("embodied", "kgco2e"), ("equivalents", "value")):
        assert all(0 < float(row[column]) < 10_000 for row in rows(name))
    for row in rows("pue_wue"):
        assert not row["pue"] or 1 <= float(row["pue"]) <= 2.5
        assert not row["wue_l_per_kwh"] or 0 <= float(row["wue_l_per_kwh"]) < 5


@pytest.mark.parametrize("code", sorted(WITHOUT_FIGURE))
def test_a_country_without_a_figure_is_the_world_and_says_so(code: str) -> None:
    """Found by either code and by name; with the doubt that this deserves."""
    alpha3, name = WITHOUT_FIGURE[code]

    zones = [TABLE.find(text) for text in (code, alpha3, name)]

    assert {zone.code for zone in zones} == {code}
    assert zones[0].intensity_g_per_kwh == TABLE.world.intensity_g_per_kwh
    assert "world average" in zones[0].note
    assert zones[0].relative_error > TABLE.world.relative_error


@pytest.mark.parametrize(
    ("code", "g_per_kwh"),
    [
        ("US", 384.4), ("CN", 525.3), ("IN", 670.1), ("DE", 329.6), ("FR", 41.4), ("GB", 217.4),
        ("JP", 477.3), ("BR", 110.0), ("PL", 588.6), ("NO", 28.1),
    ],
)  # fmt: skip
def test_ten_published_countries(code: str, g_per_kwh: float) -> None:
    """Ember, yearly electricity data, via Our World in Data, edition 2026; data of 2025."""
    zone = TABLE.find(code)

    assert (zone.intensity_g_per_kwh, zone.year, zone.basis) == (g_per_kwh, 2025, "life-cycle")
    assert zone.source.startswith("Ember via Our World in Data")


@pytest.mark.parametrize(
    ("code", "country", "grid", "pue"),
    [
        # Amazon, AWS sustainability page 2026: region list, average PUE 1.14 in 2025.
        ("aws:eu-west-3", "FR", "FR", 1.14),
        # AWS region list, PUE of 2024 for Oregon; EPA eGRID2023 for the state.
        ("aws:us-west-2", "US", "US-OR", None),
        # Google, region list and data centre PUE; Hamina, Finland.
        ("gcp:europe-north1", "FI", "FI", None),
        ("gcp:asia-east1", "TW", "TW", None),
        # Microsoft, datacenter fact sheets; Netherlands and Ireland.
        ("azure:westeurope", "NL", "NL", None),
        ("azure:northeurope", "IE", "IE", None),
        # OVHcloud, universal registration document 2023: average PUE 1.29.
        ("ovhcloud:gra", "FR", "FR", 1.29),
        # No PUE published: none is made up.
        ("hetzner:fsn1", "DE", "DE", None),
        ("digitalocean:blr1", "IN", "IN", None),
        ("oci:uk-london-1", "GB", "GB", None),
    ],
)
def test_ten_cloud_regions(code: str, country: str, grid: str, pue: float | None) -> None:
    """Country, grid and building of regions of seven providers."""
    zone, row = (
        TABLE.find(code),
        next(r for r in rows("cloud_regions") if f"{r['provider']}:{r['region']}" == code),
    )

    assert zone.country == country
    assert zone.intensity_g_per_kwh == TABLE.find(grid).intensity_g_per_kwh
    assert zone.pue == (
        float(row["pue"]) if row["pue"] else pue or TABLE.facility_of(row["provider"])[0]
    )


# -- edited by hand ----------------------------------------------------------------------------


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], GridTable]:
    """Tables in which one text of one file was replaced."""
    shutil.copytree(DATA, tmp_path / "data")

    def edit(name: str, old: str, new: str) -> GridTable:
        path = tmp_path / "data" / f"{name}.csv"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return GridTable(Tables(tmp_path / "data"))

    return edit


@pytest.mark.parametrize("value", ["abc", "-5", "nan", "0", "99999", "", "1e999", "4 1", "\x1b[2J"])
def test_a_figure_edited_by_hand_is_one_line(
    edited: Callable[[str, str, str], GridTable], value: str
) -> None:
    """File, line and column are named; the other countries still work."""
    table = edited("grid_intensity", "FR,FRA,France,41.4", f"FR,FRA,France,{value}")

    with pytest.raises(BadTable, match=r"^grid_intensity\.csv, line \d+: g_per_kwh ") as error:
        table.find("France")

    assert str(error.value).isprintable()
    assert "reinstall" in str(error.value)
    assert table.find("DE").intensity_g_per_kwh == 329.6


@pytest.mark.parametrize("zone", [None, "FR"])
def test_a_start_survives_the_edited_row_of_its_own_country(
    edited: Callable[[str, str, str], GridTable], zone: str | None, tmp_path: Path
) -> None:
    """Where it was guessed, the world's average and the line; where it was set, the line."""
    table = edited("grid_intensity", "FR,FRA,France,41.4", "FR,FRA,France,x")

    if zone is not None:
        with pytest.raises(UsageError):
            locate(zone, {}, table, tmp_path)
        return
    place = locate(None, {"TZ": "Europe/Paris"}, table, tmp_path)
    info = carbon_info(place, Wishes())

    assert info.factor.intensity_g_per_kwh == TABLE.world.intensity_g_per_kwh
    assert "grid_intensity.csv" in info.note
    assert "\n" not in info.note


@pytest.mark.parametrize("name", ["grid_intensity", "timezone_zone", "cloud_regions", "sources"])
@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "binary", "header"])
def test_a_damaged_file_keeps_no_session_from_starting(
    tmp_path: Path, name: str, damage: str
) -> None:
    """There is always a place, with a figure, in one line."""
    shutil.copytree(DATA, tmp_path / "data")
    path = tmp_path / "data" / f"{name}.csv"
    content = path.read_bytes()
    spoilt = {
        "gone": b"", "empty": b"", "cut": content[: len(content) // 2], "binary": b"\xff\0" * 500,
        "header": content.replace(b",", b";", 3),
    }  # fmt: skip
    path.write_bytes(spoilt[damage])
    if damage == "gone":
        path.unlink()
    table = GridTable(Tables(tmp_path / "data"))

    for environment in (
        {"TZ": "Europe/Paris"},
        {"AWS_EXECUTION_ENV": "x", "AWS_REGION": "us-east-1"},
    ):
        place = locate(None, environment, table, tmp_path)
        assert 0 < place.zone.intensity_g_per_kwh < 2_000
        assert "\n" not in place.note
    for query in ("FR", "paris", "aws:eu-west-3", "california"):
        try:
            table.find(query)
        except UsageError as error:
            assert len(str(error).splitlines()) == 1


def test_twins_of_a_row_change_nothing(edited: Callable[[str, str, str], GridTable]) -> None:
    """Who adds a second France does not overrule the first in silence."""
    table = edited(
        "grid_intensity",
        "FR,FRA,France,41.4",
        "FR,FRA,France,41.4,2025,lifecycle,ok,x\nFR,FRA,France,9",
    )

    assert table.find("FR").intensity_g_per_kwh == 41.4


@given(st.sampled_from(CODES), st.text(max_size=3))
def test_a_slip_of_the_finger_in_a_code_is_one_line(code: str, slip: str) -> None:
    """Any near miss finds a zone, or its neighbours."""
    try:
        TABLE.find(code[:-1] + slip)
    except UnknownZone as error:
        assert str(error).isprintable()
    except UsageError as error:
        assert "fits several" in str(error)
