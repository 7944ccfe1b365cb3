"""The script that refreshes the tables: from files and over HTTP, and never a bad table."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

import tests_support
from greencell.carbon.grid_table import GridTable
from greencell.carbon.tables import Tables
from greencell.data import DATA

OWID = (
    "Entity,Code,Year,Carbon intensity of electricity - gCO2/kWh\n"
    "France,FRA,2024,44.2\nFrance,FRA,2026,39.46\nGermany,DEU,2026,700\nWorld,OWID_WRL,2026,450.1\n"
    "Africa,,2026,500\nAtlantis,ATL,2026,12\nPoland,POL,2019,999\nNorway,NOR,2026,0\n"
)
ZONE_TAB = "#cc\tcoordinates\tTZ\nFR\t+4852+00220\tEurope/Paris\nNO\t+5955+01045\tEurope/Oslo\n"
ZONE1970 = "#cc\tcoordinates\tTZ\nFR,MC,BE\t+4852+00220\tEurope/Paris\n"
TZDATA = "# version x\nZ Europe/Paris 0:9:21 - LMT\nZ Etc/UTC 0 - UTC\nL Europe/Paris Europe/Monaco\nL Europe/Berlin Europe/Oslo\n"
GOOGLE = (
    "Google Cloud Region,Location,Google CFE,Grid carbon intensity (gCO2eq / kWh)\n"
    "europe-west9,Paris,0.97,15.1\nmars-west1,Olympus,1,1\n"
)
ENDPOINTS = '{"partitions": [{"regions": {"eu-west-3": {"description": "Paris"}, "eu-north-9": {"description": "Europe (Oulu)"}, "us-iso-east-9": {"description": "secret"}}}]}'


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return tests_support.script("refresh_tables")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, text in (
        ("owid.csv", OWID), ("zone.tab", ZONE_TAB), ("zone1970.tab", ZONE1970),
        ("tzdata.zi", TZDATA), ("2025.csv", GOOGLE), ("endpoints.json", ENDPOINTS),
    ):  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def address(source: Path) -> Iterator[str]:
    """The same over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(source)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_tables_as_they_are_are_good(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """What ``check`` says of them in CI."""
    assert script.main(["check"]) == 0
    assert capsys.readouterr().out == "all rows are good\n"


def test_countries_take_their_newest_figure(
    script: ModuleType, data: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Older ones and zeros change nothing; large steps are marked; new places are told."""
    assert script.main(["countries", f"{address}/owid.csv"], data) == 0

    table = GridTable(Tables(data))
    assert (table.find("FR").intensity_g_per_kwh, table.find("FR").year) == (39.5, 2026)
    assert table.world.intensity_g_per_kwh == 450.1
    assert table.find("PL").intensity_g_per_kwh == 588.6
    assert table.find("NO").intensity_g_per_kwh == 28.1
    out = capsys.readouterr().out
    assert "DE g_per_kwh: 329.6 -> 700.0  LOOK AGAIN" in out
    assert "FR g_per_kwh: 41.4 -> 39.5\n" in out
    assert "new: ATL 12.0 g/kWh" in out


def test_time_zones_follow_the_three_files(script: ModuleType, data: Path, address: str) -> None:
    """Country by zone.tab, candidates by zone1970.tab, links; hints of ours are kept."""
    assert script.main(["timezones", address], data) == 0

    table = GridTable(Tables(data))
    assert table.zone_of_timezone("Europe/Paris") == ("FR", ("MC", "BE"))
    assert table.zone_of_timezone("Europe/Monaco") == ("FR", ("MC", "BE"))
    assert table.zone_of_timezone("Europe/Oslo") == ("NO", ())
    assert table.zone_of_timezone("Etc/UTC") is None


def test_googles_figures_come_with_their_year(
    script: ModuleType, data: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What else is known of a region stays; what is not in the table is told."""
    before = GridTable(Tables(data)).find("gcp:europe-west9")

    assert script.main(["google", str(source / "2025.csv")], data) == 0

    row = next(r for r in script.table(data, "cloud_regions") if r["region"] == "europe-west9")
    figures = row["provider_grid_g_per_kwh"], row["provider_cfe"], row["provider_year"]
    assert figures == ("15.1", "0.97", "2025")
    assert GridTable(Tables(data)).find("gcp:europe-west9") == before
    assert "new: gcp:mars-west1" in capsys.readouterr().out


def test_regions_that_are_missing_are_told(
    script: ModuleType, data: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name; where they lie somebody has to find out."""
    before = (data / "cloud_regions.csv").read_bytes()

    assert script.main(["aws", f"{address}/endpoints.json"], data) == 0

    out = capsys.readouterr().out
    assert "new: aws:eu-north-9 (Europe (Oulu))" in out and "us-iso" not in out
    assert (data / "cloud_regions.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("countries", "a,b\n1,2\n"), ("countries", ""), ("countries", OWID + "Spain,ESP,2026,much\n"),
        ("google", "x,y\n"), ("aws", "<html>"), ("aws", "[]"), ("timezones", ""),
    ],
)  # fmt: skip
def test_a_source_that_is_something_else_is_one_line(
    script: ModuleType, data: Path, tmp_path: Path, kind: str, text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """And nothing is written."""
    before = {path: path.read_bytes() for path in data.glob("*.csv")}
    (tmp_path / "bad").write_text(text)

    assert script.main([kind, str(tmp_path / "bad")], data) == 1

    assert len(capsys.readouterr().err.splitlines()) == 1
    assert {path: path.read_bytes() for path in data.glob("*.csv")} == before


def test_a_table_with_a_bad_row_is_left_as_it_was(
    script: ModuleType, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source whose units slipped."""
    before = (data / "grid_intensity.csv").read_bytes()
    (tmp_path / "slip.csv").write_text(OWID.replace("700", "700000"))

    assert script.main(["countries", str(tmp_path / "slip.csv")], data) == 1

    assert (data / "grid_intensity.csv").read_bytes() == before
    err = capsys.readouterr().err
    assert "g_per_kwh is '700000.0'" in err and "left as it was" in err


def test_a_row_of_no_source_is_found(
    script: ModuleType, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each figure has somebody to credit."""
    path = data / "equivalents.csv"
    path.write_text(path.read_text().replace("green-algorithms", "hearsay", 1))

    assert script.main(["check"], data) == 1
    assert "no source 'hearsay'" in capsys.readouterr().out
