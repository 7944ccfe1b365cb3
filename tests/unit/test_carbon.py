"""Where the electricity comes from, offline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.grid_table import AmbiguousZone, GridTable, UnknownZone
from greencell.carbon.location import locate, system_timezone

TABLE = GridTable()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("FR", "FR"), ("fr", "FR"), ("FRA", "FR"), ("France", "FR"), ("germany", "DE"),
        ("us-ca", "US-CA"), ("California", "US-CA"), ("aws:eu-west-3", "aws:eu-west-3"),
        ("AWS:EU-WEST-3", "aws:eu-west-3"), ("world", "WORLD"), ("  Côte d'Ivoire ", "CI"),
    ],
)  # fmt: skip
def test_a_zone_is_found_by_what_a_person_types(query: str, code: str) -> None:
    """Codes of either length, names, subdivisions, cloud regions; case and accents do not count."""
    assert TABLE.find(query).code == code


def test_every_code_of_every_table_resolves() -> None:
    """No row leads nowhere, and each has a plausible figure."""
    codes = list(TABLE.codes())

    assert len(codes) > 600
    for code in codes:
        zone = TABLE.find(code)
        assert 0 < zone.intensity_g_per_kwh < 2_000
        assert zone.name and zone.source and zone.basis_words.startswith("annual average")
        assert zone.pue is None or 1 <= zone.pue < 2


@pytest.mark.parametrize(
    ("code", "g_per_kwh"),
    [("FR", 41.4), ("DE", 329.6), ("US", 384.4), ("GB", 217.4), ("PL", 588.6), ("NO", 28.1),
     ("CN", 525.3), ("IN", 670.1), ("ZA", 699.3), ("WORLD", 458.3)],
)  # fmt: skip
def test_published_figures(code: str, g_per_kwh: float) -> None:
    """Ember via Our World in Data, edition 2026, life-cycle, for 2025."""
    assert TABLE.find(code).intensity_g_per_kwh == g_per_kwh


def test_unknown_and_ambiguous_names_say_what_would_do() -> None:
    """One line, with the nearest names or the candidates."""
    with pytest.raises(UnknownZone, match="FR \\(France\\)") as unknown:
        TABLE.find("Frnce")
    with pytest.raises(AmbiguousZone) as ambiguous:
        TABLE.find("paris")

    assert "aws:eu-west-3" in ambiguous.value.candidates
    for error in (unknown.value, ambiguous.value):
        assert "\n" not in str(error)


def test_a_cloud_region_brings_its_pue() -> None:
    """A data centre has one; a country has none."""
    assert TABLE.find("aws:eu-west-3").pue == 1.14
    assert TABLE.find("FR").pue is None
    info = carbon_info(locate("aws:eu-west-3", {}, TABLE), Wishes())
    assert info.factor.pue == 1.14
    assert carbon_info(locate("FR", {}, TABLE), Wishes()).factor.pue == 1.0


def test_the_place_is_found_in_order_and_never_in_silence(tmp_path: Path) -> None:
    """Setting, cloud, time zone (a guess), world average; each says how it was found."""
    cloud = {"AWS_EXECUTION_ENV": "x", "AWS_REGION": "eu-west-3", "TZ": "Europe/Berlin"}
    assert locate("NO", cloud, TABLE, tmp_path).located_by == "setting"
    assert locate(None, cloud, TABLE, tmp_path).zone.code == "aws:eu-west-3"
    guess = locate(None, {"TZ": "Europe/Berlin"}, TABLE, tmp_path)
    assert (guess.zone.code, guess.located_by) == ("DE", "timezone")
    assert "guessed" in guess.note and "DK" in guess.note
    nowhere = locate(None, {"TZ": "UTC"}, TABLE, tmp_path)
    assert (nowhere.zone.code, nowhere.located_by) == ("WORLD", "default")
    assert "world average" in nowhere.note


def test_a_region_variable_alone_proves_no_cloud(tmp_path: Path) -> None:
    """AWS_REGION stands on many a laptop."""
    assert locate(None, {"AWS_REGION": "eu-west-3"}, TABLE, tmp_path).located_by == "default"


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Etc/GMT+3", "GMT", "Nonsense/Nowhere"])
def test_these_time_zones_name_no_country(zone: str, tmp_path: Path) -> None:
    """Containers mostly run in UTC: that is no place."""
    assert locate(None, {"TZ": zone}, TABLE, tmp_path).located_by == "default"


def test_the_system_time_zone_is_read_from_its_files(tmp_path: Path) -> None:
    """TZ first, then /etc/timezone, then the link /etc/localtime."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    assert system_timezone({}, tmp_path) == "Asia/Tokyo"
    (tmp_path / "etc/timezone").write_text("Europe/Oslo\n")
    assert system_timezone({}, tmp_path) == "Europe/Oslo"
    assert system_timezone({"TZ": ":Europe/Paris"}, tmp_path) == "Europe/Paris"


def test_a_country_without_a_figure_uses_the_world_and_says_so(tmp_path: Path) -> None:
    """Andorra's grid is in no table: the place is told, and whose figure stands in."""
    place = locate(None, {"TZ": "Europe/Andorra"}, TABLE, tmp_path)

    assert place.zone.code == "AD"
    assert place.zone.intensity_g_per_kwh == TABLE.world.intensity_g_per_kwh
    assert "world average" in place.note


def test_a_set_intensity_is_the_users_own() -> None:
    """It overrides the table and is credited to the user."""
    info = carbon_info(locate("FR", {}, TABLE), Wishes(intensity_g_per_kwh=12.5))

    assert info.factor.intensity_g_per_kwh == 12.5
    assert info.source == "set by the user"
    assert info.year is None


def test_every_source_of_the_tables_is_credited() -> None:
    """DATA_LICENSES.md is what its script makes of the tables."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, root / "scripts/data_licenses.py", "--check"])

    assert done.returncode == 0
