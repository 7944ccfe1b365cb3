"""Refreshes the tables in greencell/data from what is published for machines.

    python scripts/refresh_tables.py countries [ADDRESS|FILE]   Our World in Data: yearly intensity
    python scripts/refresh_tables.py timezones [ADDRESS|FOLDER] IANA: zone.tab zone1970.tab tzdata.zi
    python scripts/refresh_tables.py google [ADDRESS|FILE]      Google: carbon-free share by region
    python scripts/refresh_tables.py aws [ADDRESS|FILE]         botocore: which regions are missing
    python scripts/refresh_tables.py check                      only look whether all rows are good

A table is written only if every row of it is good, and every change is printed; more than 20 %
is marked for a second look. Columns that a source says nothing of stay as they are.

Edited by hand, because their sources are reports and pages for people: subregions (EPA eGRID,
ECCC, NGA, MEE, once a year each), PUE and WUE (providers' sustainability pages), embodied.csv and
equivalents.csv, the countries and places of cloud regions, and the power tables. Whoever edits
a row names its source in sources.csv and runs ``check`` and scripts/data_licenses.py.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from greencell.carbon.grid_table import GridTable
from greencell.carbon.tables import MAX_INTENSITY_G_PER_KWH, Tables
from greencell.data import DATA
from greencell.errors import UsageError

Rows = list[dict[str, str]]
ADDRESSES: Mapping[str, str] = {
    "countries": "https://ourworldindata.org/grapher/carbon-intensity-electricity.csv",
    "timezones": "https://data.iana.org/time-zones/tzdb",
    "google": "https://raw.githubusercontent.com/GoogleCloudPlatform/region-carbon-info/main/data/yearly/2024.csv",
    "aws": "https://raw.githubusercontent.com/boto/botocore/develop/botocore/data/endpoints.json",
}
MARKED = 0.2
MAX_BYTES = 50_000_000
_WORLD = "OWID_WRL"


class Unusable(Exception):
    """A source that is not what it should be, in one line."""


def read(place: str) -> str:
    """The text at an address or in a file."""
    try:
        if place.startswith(("https://", "http://")):
            with urllib.request.urlopen(place, timeout=60) as answer:
                return answer.read(MAX_BYTES).decode("utf-8-sig")
        return Path(place).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise Unusable(f"{place} cannot be read: {error}") from error


def table(data: Path, name: str) -> Rows:
    """The rows of a table of ours."""
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# -- what each source says ---------------------------------------------------------------------


def countries(place: str, rows: Rows) -> Rows:
    """Each country's newest figure. Columns: Entity, Code, Year, and the intensity."""
    reader = csv.DictReader(io.StringIO(read(place)))
    header = reader.fieldnames or []
    if header[:3] != ["Entity", "Code", "Year"] or len(header) < 4:
        raise Unusable(f"{place} has the columns {header[:5]}, not Entity, Code, Year and a value")
    newest: dict[str, tuple[int, float]] = {}
    for row in reader:
        code, value = row["Code"] or "", row[header[3]] or ""
        if not code or not value:
            continue
        try:
            found = int(row["Year"]), float(value)
        except ValueError as error:
            raise Unusable(f"{place}, line {reader.line_num}: {error}") from error
        if found[1] > 0:  # 0 is a country whose grid is too small to have been counted
            newest[code] = max(found, newest.get(code, found))
    known = {row["iso3"] for row in rows}
    for code in sorted(set(newest) - known - {_WORLD}):
        if not code.startswith("OWID_"):
            print(f"new: {code} {newest[code][1]:.1f} g/kWh; add its row by hand")
    refreshed = []
    for row in rows:
        code = _WORLD if row["iso2"] == "WORLD" else row["iso3"]
        year, value = newest.get(code, (0, 0.0))
        newer = {"g_per_kwh": f"{value:.1f}", "year": str(year), "quality": "ok"}
        refreshed.append({**row, **newer} if year >= int(row["year"]) else row)
    return refreshed


def timezones(place: str, rows: Rows) -> Rows:
    """Country of each name by zone.tab, candidates by zone1970.tab, other names by tzdata.zi."""
    own = {tz: codes[0] for codes, tz in _tab(read(f"{place}/zone.tab"))}
    shared = {tz: codes for codes, tz in _tab(read(f"{place}/zone1970.tab"))}
    zones, links = _names(read(f"{place}/tzdata.zi"))
    if not own or not shared:
        raise Unusable(f"{place} holds no zone.tab and zone1970.tab")
    before = {row["tz"]: row for row in rows}

    def places(tz: str) -> tuple[str, list[str], str]:
        if tz in own:
            return own[tz], shared.get(tz, [own[tz]]), ""
        if tz in shared:
            return shared[tz][0], shared[tz], ""
        target = links.get(tz, "")
        if not target:
            return "", [], ""
        country, candidates, further = places(target)
        return country, candidates, further or target

    refreshed = []
    for tz in sorted({*own, *shared, *zones, *links}):
        if "/" not in tz and tz not in before:
            continue
        country, candidates, alias = places(tz)
        row = before.get(tz, {})
        refreshed.append(
            {
                "tz": tz, "country": country, "candidates": " ".join(candidates),
                "ambiguous": str(int(len(candidates) > 1)) if country else "",
                "zone_hint": row.get("zone_hint", ""),
                "hint_partial": row.get("hint_partial", ""),
                "alias_of": alias, "source": row.get("source", "tzdata-2026"),
            }
        )  # fmt: skip
    return refreshed


def google(place: str, rows: Rows) -> Rows:
    """Google's grid figure and carbon-free share of each of its regions."""
    reader = csv.DictReader(io.StringIO(read(place)))
    names = {name.strip().lower(): name for name in reader.fieldnames or []}
    region_name = next((n for k, n in names.items() if k.endswith("region")), None)
    cfe_name = next((n for k, n in names.items() if "cfe" in k), None)
    grid_name = next((n for k, n in names.items() if "carbon intensity" in k), None)
    if region_name is None or cfe_name is None or grid_name is None:
        raise Unusable(f"{place} has no columns of region, CFE and grid carbon intensity")
    said = {row[region_name].strip(): row for row in reader}
    year = next((part for part in place.replace(".", "/").split("/") if part.isdigit()), "")
    refreshed = []
    for row in rows:
        found = said.pop(row["region"], None) if row["provider"] == "gcp" else None
        newer = {}
        if found is not None and found[grid_name].strip():
            newer = {
                "provider_grid_g_per_kwh": f"{float(found[grid_name]):g}",
                "provider_cfe": f"{float(found[cfe_name].rstrip('% ')):g}",
                "provider_year": year or row["provider_year"],
            }
        refreshed.append({**row, **newer})
    for region in sorted(said):
        print(f"new: gcp:{region}; add its row by hand")
    return refreshed


def aws(place: str, rows: Rows) -> Rows:
    """Which regions the SDK knows and the table does not; where they lie it does not say."""
    try:
        partitions = json.loads(read(place))["partitions"]
        regions = {
            name: about["description"] for p in partitions for name, about in p["regions"].items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"{place} is no list of endpoints of botocore") from error
    known = {row["region"] for row in rows if row["provider"] == "aws"}
    for name in sorted(set(regions) - known):
        if "iso" not in name:  # secret regions: nobody who is in one needs this table
            print(f"new: aws:{name} ({regions[name]}); add its row by hand")
    return rows


def _names(compiled: str) -> tuple[set[str], dict[str, str]]:
    """Zones, and links with their targets, of a compact source file."""
    zones, links = set(), {}
    for words in (line.split() for line in compiled.splitlines()):
        if words[:1] == ["L"] and len(words) == 3:
            links[words[2]] = words[1]
        elif words[:1] == ["Z"] and len(words) > 2:
            zones.add(words[1])
    return zones, links


def _tab(text: str) -> list[tuple[list[str], str]]:
    lines = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return [(parts[0].split(","), parts[2]) for parts in lines if len(parts) > 2]


REFRESHERS: Mapping[str, tuple[str, str, Callable[[str, Rows], Rows]]] = {
    "countries": ("grid_intensity", "iso2", countries),
    "timezones": ("timezone_zone", "tz", timezones),
    "google": ("cloud_regions", "region", google),
    "aws": ("cloud_regions", "region", aws),
}


# -- checks and changes ------------------------------------------------------------------------


def problems(data: Path) -> list[str]:
    """A line for each row that the product could not use."""
    tables, found = Tables(data), []
    grid = GridTable(tables)
    for code in grid.codes():
        try:
            grid.find(code)
        except UsageError as error:
            found.append(str(error))
    checks = (
        ("embodied", "kgco2e", 100_000.0), ("equivalents", "value", 100_000.0),
        ("grid_intensity", "g_per_kwh", MAX_INTENSITY_G_PER_KWH),
        ("grid_intensity_subregions", "g_per_kwh", MAX_INTENSITY_G_PER_KWH),
    )  # fmt: skip
    sources = {row.fields.get("id") for row in tables.rows("sources")}
    for name, column, high in checks:
        for row in tables.rows(name):
            try:
                row.number(column, 0.0, high)
            except UsageError as error:
                found.append(str(error))
    for path in sorted(data.glob("*.csv")):
        for row in tables.rows(path.stem):
            for source in row.fields.get("source", "").split():
                if source not in sources:
                    found.append(f"{path.name}, line {row.line}: no source {source!r}")
    return list(dict.fromkeys(found))


def changes(before: Rows, after: Rows, key: str) -> list[str]:
    """A line for each row that is new, gone or other; large steps are marked."""
    old, new = ({row[key]: row for row in rows} for rows in (before, after))
    lines = [f"gone: {name}" for name in old.keys() - new.keys()]
    lines += [f"new: {name}" for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        for column in new[name]:
            was, now = old[name].get(column, ""), new[name][column]
            if was != now:
                mark = "  LOOK AGAIN" if _step(was, now) > MARKED else ""
                lines.append(f"{name} {column}: {was or 'nothing'} -> {now or 'nothing'}{mark}")
    return sorted(lines)


def _step(was: str, now: str) -> float:
    try:
        return abs(float(now) / float(was) - 1.0)
    except (ValueError, ZeroDivisionError):
        return 0.0


def write(path: Path, rows: Rows) -> None:
    """The whole table, in our order of columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def refresh(kind: str, place: str, data: Path) -> int:
    """Refresh one table; 1 and an unchanged table if anything is wrong with the result."""
    name, key, refresher = REFRESHERS[kind]
    before, path = table(data, name), data / f"{name}.csv"
    after = refresher(place.rstrip("/"), before)
    for line in changes(before, after, key):
        print(line)
    if after == before:
        print(f"{name}.csv is up to date")
        return 0
    kept = path.read_text(encoding="utf-8")
    write(path, after)
    if found := problems(data):
        path.write_text(kept, encoding="utf-8")
        print("\n".join([*found, f"{name}.csv is left as it was"]), file=sys.stderr)
        return 1
    print(f"{name}.csv is written; run the tests, and scripts/data_licenses.py")
    return 0


def main(arguments: list[str] | None = None, data: Path = DATA) -> int:
    """Do what was asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=(*REFRESHERS, "check"))
    parser.add_argument("place", nargs="?", help="an address or a file")
    options = parser.parse_args(arguments)
    try:
        if options.kind == "check":
            found = problems(data)
            print("\n".join(found) or "all rows are good")
            return 1 if found else 0
        return refresh(options.kind, options.place or ADDRESSES[options.kind], data)
    except (Unusable, UsageError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
