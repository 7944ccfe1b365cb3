"""What a person types, and which table answers: never a wrong place in silence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.carbon.countries import NATIVE_NAMES
from greencell.carbon.grid_table import AmbiguousZone, GridTable, UnknownZone
from greencell.carbon.location import locate, system_timezone
from greencell.carbon.tables import Row, Tables
from greencell.errors import UsageError

TABLE = GridTable()


class RecordingTables(Tables):
    """Remembers which tables were parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.parsed: list[str] = []

    def rows(self, name: str) -> Iterator[Row]:
        self.parsed.append(name)
        return super().rows(name)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("UK", "GB"), ("England", "GB"), ("EL", "GR"), ("turkey", "TR"), ("Ivory Coast", "CI"),
        ("guinea bissau", "GW"), ("Cote d Ivoire", "CI"), ("Georgia", "GE"), ("us_ca", "US-CA"),
        ("EGRID-CAMX", "EGRID-CAMX"), ("camx", "EGRID-CAMX"), ("SE3", "SE-SE3"),
        ("NO-NO1", "NO-NO1"), ("eu-west-3", "aws:eu-west-3"), ("Hamina", "gcp:europe-north1"),
        ("council bluffs", "gcp:us-central1"), ("gb-official", "GB-OFFICIAL"),
        ("Dublin", "IE"), ("AD", "AD"), ("and", "AD"), ("curacao", "CW"),
        ("usa", "US"), ("Ontario", "CA-ON"), ("south korea", "KR"), ("Virginia", "US-VA"),
    ],
)  # fmt: skip
def test_other_names_of_a_zone(query: str, code: str) -> None:
    """Everyday names, bare grid codes, a region without its provider, a town with one region."""
    assert TABLE.find(query).code == code


@pytest.mark.parametrize("query", ["hampshire", "", "  ", "xy\nz", "aws:", ":"])
def test_what_is_no_name_is_not_guessed(query: str) -> None:
    """A part of a name is a hint, not a choice; the answer is one line."""
    with pytest.raises(UnknownZone) as error:
        TABLE.find(query)

    assert error.value.query == " ".join(query.split()) or error.value.query == query
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("query", ["Korea", "paris", "us-east-1", "Frankfurt"])
def test_several_places_are_listed(query: str) -> None:
    """Each candidate is a code that can be typed next."""
    with pytest.raises(AmbiguousZone) as error:
        TABLE.find(query)

    assert len(error.value.candidates) > 1
    assert all(TABLE.find(code).code == code for code in error.value.candidates)


@given(st.text(max_size=40))
def test_any_text_finds_a_zone_or_one_line(query: str) -> None:
    """No other exception, whatever is typed."""
    try:
        zone = TABLE.find(query)
    except UsageError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert 0 < zone.intensity_g_per_kwh < 2_000


@pytest.mark.parametrize("query", ["FR", "FRA", "germany", "WORLD"])
def test_a_country_parses_one_small_table(query: str) -> None:
    """The others are not opened, and this one is read once."""
    tables = RecordingTables()
    table = GridTable(tables)

    for _ in range(3):
        table.find(query)

    assert tables.parsed == ["grid_intensity"]


def test_each_code_is_listed_once() -> None:
    """No row hides another."""
    codes = list(TABLE.codes())

    assert len(codes) == len(set(codes))
    assert [TABLE.find(code).code for code in codes] == codes


@pytest.mark.parametrize("code", ["aws:eu-west-2", "gcp:asia-south1", "azure:newzealandnorth"])
def test_a_cloud_region_takes_its_countrys_life_cycle_figure(code: str) -> None:
    """A state's official figure is of another basis: only for who asks for it."""
    zone = TABLE.find(code)

    assert zone.basis == "life-cycle"
    assert zone.intensity_g_per_kwh == TABLE.find(zone.country).intensity_g_per_kwh


def test_an_official_figure_names_its_own_basis() -> None:
    """131 g is the United Kingdom's scope 2 figure, 217.4 its life-cycle one."""
    assert TABLE.find("GB-OFFICIAL").intensity_g_per_kwh == 131.0
    assert TABLE.find("GB-OFFICIAL").basis == "direct"
    assert TABLE.find("GB").intensity_g_per_kwh == 217.4


@pytest.mark.parametrize(
    ("code", "g_per_kwh"), [("US-OFFICIAL", 349.7), ("IN-OFFICIAL", 710.0), ("GB-OFFICIAL", 131.0)]
)
def test_official_figures(code: str, g_per_kwh: float) -> None:
    """EPA eGRID2023, CEA v21 for FY2024-25, DESNZ 2026."""
    assert TABLE.find(code).intensity_g_per_kwh == g_per_kwh


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("aws:eu-west-3", "Paris, France (aws eu-west-3)"),
        ("gcp:us-central1", "Council Bluffs, Iowa (gcp us-central1)"),
        ("gcp:asia-southeast1", "Jurong West, Singapore (gcp asia-southeast1)"),
    ],
)
def test_a_cloud_region_is_named_by_place_and_grid(code: str, name: str) -> None:
    """The grid that the figure belongs to is in the name, once."""
    assert TABLE.find(code).name == name


@pytest.mark.parametrize(
    "environment",
    [
        {"GOOGLE_CLOUD_REGION": "europe-west9"},
        {"CLOUD_ML_REGION": "europe-west9"},
        {"AWS_DEFAULT_REGION": "eu-west-3"},
        {"AZUREML_SERVICE_ENDPOINT": "http://localhost"},
        {"CLOUD_SDK_VERSION": "528", "AWS_CA_BUNDLE": "/etc/ssl/ca.pem"},
    ],
)
def test_the_variables_of_a_client_library_prove_no_place(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """A laptop that talks to a cloud has them, too."""
    assert locate(None, environment, TABLE, tmp_path).located_by == "default"


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"VERTEX_PRODUCT": "WORKBENCH_INSTANCE", "GOOGLE_CLOUD_REGION": "europe-west9"},
         "gcp:europe-west9"),
        ({"AZUREML_SERVICE_ENDPOINT": "https://eastus.api.azureml.ms"}, "azure:eastus"),
        ({"ECS_CONTAINER_METADATA_URI_V4": "http://x", "AWS_REGION": "eu-west-3"},
         "aws:eu-west-3"),
    ],
)  # fmt: skip
def test_a_clouds_own_variables_name_its_region(
    environment: dict[str, str], code: str, tmp_path: Path
) -> None:
    """Offline: nothing is asked but the environment."""
    place = locate(None, environment, TABLE, tmp_path)

    assert (place.zone.code, place.located_by) == (code, "cloud")


def test_a_region_newer_than_the_table_is_named(tmp_path: Path) -> None:
    """The time zone answers instead, and the note says why."""
    environment = {"AWS_EXECUTION_ENV": "x", "AWS_REGION": "mars-north-1", "TZ": "Europe/Oslo"}

    place = locate(None, environment, TABLE, tmp_path)

    assert (place.zone.code, place.located_by) == ("NO", "timezone")
    assert "its region mars-north-1 is in no table" in place.note


@pytest.mark.parametrize(
    ("tz", "name"),
    [
        ("/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (":/usr/share/zoneinfo/posix/Asia/Tokyo", "Asia/Tokyo"),
        ("Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_time_zone_may_be_a_path(tz: str, name: str, tmp_path: Path) -> None:
    """The C library takes both; the table knows bare names."""
    assert system_timezone({"TZ": tz}, tmp_path) == name


def _seconds(table: GridTable, query: str) -> float:
    start = time.perf_counter()
    table.find(query)
    return time.perf_counter() - start


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Fr", "FR"), ("fra", "FR"), ("US-C", "US-CA"), ("aws:eu-w", "aws:eu-west-1"),
        ("Pari", "FR"), ("Syd", "AU"), ("new h", "US-NH"), ("Frnace", "FR"), ("camx", "EGRID-CAMX"),
    ],
)  # fmt: skip
def test_half_of_a_name_is_enough_for_a_suggestion(typed: str, code: str) -> None:
    """By code, name or town; a mistyped one by its nearest name."""
    assert code in [zone.code for zone in TABLE.suggest(typed, 3)]


@given(st.text())
def test_whatever_is_typed_suggestions_are_places_that_are_found(typed: str) -> None:
    """At most so many, none twice, and never an exception."""
    codes = [zone.code for zone in TABLE.suggest(typed, 8)]

    assert len(codes) == len(set(codes)) <= 8
    assert [TABLE.find(code).code for code in codes] == codes


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Deutschland", "DE"), ("españa", "ES"), ("ÖSTERREICH", "AT"), ("日本", "JP"),
        ("Україна", "UA"), ("Polska", "PL"), ("Nederland", "NL"), ("Suisse", "CH"),
        ("europe-west9-a", "gcp:europe-west9"), ("us-central1-f", "gcp:us-central1"),
        ("fr-par-1", "scaleway:fr-par"), ("nl-ams-2", "scaleway:nl-ams"),
        ("eu-west-3b", "aws:eu-west-3"), ("aws:us-east-1a", "aws:us-east-1"),
        ("gcp:europe-west9-b", "gcp:europe-west9"),
    ],
)  # fmt: skip
def test_native_names_and_availability_zones_are_found(typed: str, code: str) -> None:
    """What people call their country, and what a cloud's console shows."""
    assert GridTable().find(typed).code == code


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("US-CENT-SWPP", ["US (", "EGRID-SPNO", "EGRID-SPSO"]), ("US-TEX-ERCO", ["EGRID-ERCT"]),
        ("US-CAL-CISO", ["EGRID-CAMX"]), ("GB-NIR", ["GB (United Kingdom)"]), ("DE-LU", ["DE ("]),
        ("DK-DK1", ["DK (Denmark)"]), ("IN-WE", ["IN (India)"]), ("FR-COR", ["FR (France)"]),
    ],
)  # fmt: skip
def test_ids_of_other_lists_have_a_near_hit(typed: str, near: list[str]) -> None:
    """Electricity Maps' and the markets': their country, and the parts of it that are known."""
    with pytest.raises(UnknownZone) as refusal:
        GridTable().find(typed)

    assert all(part in str(refusal.value) for part in near)


def test_every_native_name_leads_to_its_country() -> None:
    """None is taken by a town or a data centre of the same name."""
    table = GridTable()

    assert {name: table.find(name).code for name in NATIVE_NAMES} == NATIVE_NAMES
