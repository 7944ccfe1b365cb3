"""Writes DATA_LICENSES.md from greencell/data/sources.csv and the tables that cite it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "greencell" / "data"
OUT = ROOT / "DATA_LICENSES.md"
NOTICES = """## Notices that some of these licences ask for

* **CC BY 4.0** (https://creativecommons.org/licenses/by/4.0/): the values named above were selected, converted and rounded; no endorsement is implied. The licence of the code does not cover them.
* **Apache License 2.0** (https://www.apache.org/licenses/LICENSE-2.0): Cloud Carbon Footprint, Copyright Thoughtworks, Inc.; Google region-carbon-info, Copyright Google LLC; botocore, Copyright Amazon.com, Inc. or its affiliates; OCI Python SDK, Copyright Oracle and/or its affiliates. Values were selected, converted and rounded; no code is contained.
* **MIT** (CodeCarbon, Copyright (c) 2019 Mila, BCG Gamma, CometML, Haverford College, Copyright (c) 2023 Code Carbon NGO; ML CO2 Impact, Copyright (c) 2019 Victor Schmidt and others):

  Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


CAVEATS = """## What is not beyond doubt

* Power and water usage of 46 cloud regions (`cloud_regions`, columns `pue` and `wue_l_per_kwh`) are the providers' own disclosures and are cited to them; they were read in a collection of the Green Software Foundation that states no licence for its data.
* Eleven footprints of makers in `embodied` are from the makers' own sheets and were found through a collection under the ODbL (Boavizta); they are an insubstantial part of it.
* The Canadian figures are Crown copyright (Environment and Climate Change Canada); thirteen numbers are given.
* Live figures are no part of this package: whoever asks a provider for them is bound by its terms. NESO (Great Britain): CC BY 4.0. Energinet: CC BY 4.0, and RTE: Licence Ouverte 2.0, both as commonly stated. Electricity Maps: the free tier is for personal, non-commercial use and one zone. WattTime: proprietary.

"""


def text() -> str:
    """The whole file."""
    cited: dict[str, set[str]] = {}
    for table in sorted(DATA.glob("*.csv")):
        if table.name == "sources.csv":
            continue
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for source in row["source"].split():
                    cited.setdefault(source, set()).add(table.stem)
    with (DATA / "sources.csv").open(encoding="utf-8", newline="") as file:
        sources = {row["id"]: row for row in csv.DictReader(file)}
    lines = [
        "# Data and their licences",
        "",
        "The tables in `greencell/data/` hold figures collected from the sources below; each row of a table names its source.",
        "",
        "| source | in | licence | credit |",
        "|---|---|---|---|",
    ]
    for source in sorted(cited):
        row = sources[source]
        title = f"{row['publisher']}: {row['title']} ({row['year']}) {row['url']}".strip()
        tables = ", ".join(sorted(cited[source]))
        lines.append(f"| {title} | {tables} | {row['licence']} | {row['attribution']} |")
    return "\n".join([*lines, "", CAVEATS + NOTICES])


def main() -> int:
    """Write the file; with --check only tell whether it is as it should be."""
    if "--check" in sys.argv[1:]:
        return 0 if OUT.read_text(encoding="utf-8") == text() else 1
    OUT.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
