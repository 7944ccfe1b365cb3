"""Figures in a notebook's metadata: told as the file's, summed where they are of the cell."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell import report
from greencell.cli import main
from greencell.errors import UsageError
from greencell.report.cell_entry import read_entry, source_hash
from greencell.report.html_format import cells_html
from greencell.report.notebook import notebook_document
from greencell.report.shape import legible
from greencell.report.terminal import UNSAFE
from greencell.report.text_formats import cells_text, to_text

GOLDEN = Path(__file__).parents[1] / "fixtures" / "figures.ipynb"
SOURCE = "train(model)\n"


def entry(cell_id: str = "c1", **values: Any) -> dict[str, Any]:
    """What the panel writes beside a cell."""
    return {
        "schema": "greencell.cell.v1", "cell_id": cell_id, "source_hash": source_hash(SOURCE),
        "run": f"run-{cell_id}", "status": "ok", "started_at": "2026-01-31T09:00:00.000Z",
        "duration_s": 2.0, "energy_kwh": 1e-5, "energy_low_kwh": 5e-6, "energy_high_kwh": 2e-5,
        "co2_kg": 4.14e-7, "co2_low_kg": 1e-7, "co2_high_kg": 9e-7, "provenance": "measured",
        "zone": "FR", "intensity_g_per_kwh": 41.4, "flags": [], **values,
    }  # fmt: skip


def cell(figures: object, cell_id: str | None = "c1", **values: Any) -> dict[str, Any]:
    """A code cell; without figures where they are ``None``."""
    metadata = {} if figures is None else {"greencell": figures}
    made = {"cell_type": "code", "execution_count": 1, "metadata": metadata, "source": SOURCE}
    return {**made, **({} if cell_id is None else {"id": cell_id}), **values}


def notebook(*cells: object) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}


def document(*cells: object) -> dict[str, Any]:
    return notebook_document(notebook(*cells), "train.ipynb")


def told(content: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code of ``greencell report`` and what it says."""
    path = tmp_path / "train.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    code = main(["report", str(path)])
    out, err = capsys.readouterr()
    assert not (code and out)
    return code, err if code else out


# -- what is told ------------------------------------------------------------------------------


def test_a_notebook_with_figures_is_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is known, what is not, and whose word it is."""
    code, text = told(notebook(cell(entry())), tmp_path, capsys)

    assert code == 0
    assert "[1] cell  5–20\u202fmWh" in text
    assert "France (FR), 41.4 g/kWh, basis unknown" in text and "PUE 1" in text
    assert "between cells: unknown" in text
    assert "From the file" in text and "figures saved in train.ipynb" in text


def test_the_golden_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    """The file that whoever writes the key must be able to write: all standings of a cell."""
    assert main(["report", str(GOLDEN)]) == 0
    table = capsys.readouterr().out.split("\n\n")[1].replace("\u202f", " ").splitlines()

    assert [" ".join(line.split()) for line in table[1:]] == [
        "[1] cell 5–20 mWh 100–900 µg 2.0 s ≈ 18.0 W",
        "[2] cell ≈ 10 mWh ≈ 410 µg 2.0 s 18 W",
        "[3] edited since it ran – – – –",
        "[4] copy of another cell – – – –",
        "– unknown",
    ]


@pytest.mark.parametrize("form", report.FORMATS)
def test_every_format_shows_it(form: str, tmp_path: Path) -> None:
    path = tmp_path / "train.ipynb"
    path.write_text(json.dumps(notebook(cell(entry()), cell(entry("c2", energy_kwh=2e-5), "c2"))))
    out = tmp_path / "out.txt"

    assert main(["report", str(path), "--as", form, "-o", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert text and "None" not in text


def test_what_is_written_as_json_is_a_session_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same words from both files."""
    path, out = tmp_path / "train.ipynb", tmp_path / "s.json"
    path.write_text(json.dumps(notebook(cell(entry()))))
    main(["report", str(path), "-o", str(out)])
    capsys.readouterr()
    main(["report", str(path)])
    first = capsys.readouterr().out

    assert main(["report", str(out)]) == 0
    assert capsys.readouterr().out == first


def test_what_no_cell_tells_is_unknown_and_never_0() -> None:
    totals = document(cell(entry()))["totals"]

    for name in ("between_cells_energy_kwh", "machine_energy_kwh", "grid_relative_error"):
        assert totals[name] is None
    assert totals["by_component_kwh"] == {} and totals["bases"] == []


def test_the_pue_is_what_co2_was_multiplied_by_besides() -> None:
    """CO2 = energy × intensity × PUE; one that cannot be is none."""
    assert document(cell(entry()))["carbon"]["pue"] == 1.0
    cloud = entry(co2_kg=1.2 * 4.14e-7)
    assert document(cell(cloud))["carbon"]["pue"] == 1.2
    for odd in (
        entry(co2_low_kg=0.0, co2_kg=0.0),
        entry(co2_kg=9e-7 / 30),
        entry(co2_high_kg=1.0, co2_kg=1.0),
    ):
        made = document(cell({**odd, "co2_low_kg": 0.0}))
        assert made["carbon"]["pue"] is None
        assert "PUE unknown" in report.render(made, "ai-act")


def test_unknown_energy_makes_the_sum_at_least() -> None:
    """And where no cell has one, there is no sum."""
    unknown = {
        f"{quantity}{end}": None
        for quantity, unit in (("energy", "_kwh"), ("co2", "_kg"))
        for end in (unit, f"_low{unit}", f"_high{unit}")
    }
    both = document(cell(entry()), cell(entry("c2", **unknown), "c2"))
    none = document(cell(entry(**unknown)))

    assert both["totals"]["energy_kwh"] == 1e-5 and both["totals"]["flags"] == ["gap"]
    assert "≥" in to_text(both)
    assert none["totals"]["energy_kwh"] is None and none["totals"]["cells"] == 1
    assert "Energy   unknown" in to_text(none)


def test_measured_and_estimated_cells_are_mixed() -> None:
    one, other = cell(entry()), cell(entry("c2", provenance="estimated"), "c2")

    assert document(one)["totals"]["provenance"] == "measured"
    assert document(one, other)["totals"]["provenance"] == "mixed"


def test_places_of_all_cells_are_told() -> None:
    """The place is that of the last one to run, wherever it stands."""
    late = entry("c2", zone="DE", started_at="2026-01-31T10:00:00.000Z")
    made = document(cell(late, "c2"), cell(entry()))

    assert made["carbon"]["zone"] == "DE" and made["session"]["started_at"] == entry()["started_at"]
    assert "Germany, also FR" in report.render(made, "huggingface")


# -- what is in no sum -------------------------------------------------------------------------


def test_an_edited_cell_is_named_and_in_no_sum() -> None:
    """Its figures are of another text."""
    made = document(cell(entry()), cell(entry("c2"), "c2", source=SOURCE + "#", execution_count=7))

    assert made["totals"]["cells"] == 1 and made["totals"]["energy_kwh"] == 1e-5
    assert "[7] edited since it ran" in cells_text(made)
    assert made["cells"][1]["energy_kwh"] is None and made["cells"][1]["duration_s"] is None
    assert "Code cells in no sum: 1 edited since it ran." in made["notes"]


@pytest.mark.parametrize("copy_first", [True, False])
def test_a_copied_cell_is_named_and_in_no_sum(copy_first: bool) -> None:
    """The copy has an id of its own, and never ran."""
    cells = [cell(entry()), cell(entry(), "c9")]
    made = document(*(cells[::-1] if copy_first else cells))

    assert made["totals"]["cells"] == 1 and made["totals"]["energy_kwh"] == 1e-5
    assert "copy of another cell" in cells_text(made)


def test_in_a_notebook_without_ids_a_run_counts_once() -> None:
    made = document(cell(entry(), None), cell(entry(), None), cell(entry("c2"), None))

    assert made["totals"]["cells"] == 2


def test_lines_and_halves_of_characters_hash_as_a_page_hashes_them() -> None:
    """Known answers of SHA-256; a page's TextEncoder writes U+FFFD for half a character."""
    assert source_hash("") == "e3b0c44298fc1c14"
    assert source_hash("a\ud800") == source_hash("a\ufffd") != source_hash("a?")
    assert document(cell(entry(), source=["train(model)", "\n"]))["totals"]["cells"] == 1


# -- what is refused ---------------------------------------------------------------------------


def test_a_notebook_without_figures_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = told(notebook(cell(None), {"cell_type": "markdown"}), tmp_path, capsys)

    assert code == 1 and line.count("\n") == 1
    assert "have the panel embed them" in line and "export" in line


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"[]", b"3", b"{}", b'{"nbformat": 4}', b'{"nbformat": 4, "cells": 3}',
        b'{"nbformat": 3, "worksheets": []}', b'{"nbformat": [4], "cells": []}',
        b'{"nbformat": 4, "cells": [1, null, [], {"cell_type": "code", "metadata": 3}]}',
        b'{"nbformat": 4, "cells": [NaN]}', b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000,
        json.dumps(notebook(cell({"schema": "greencell.cell.v2"}))).encode(),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_one_line(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = told(content, tmp_path, capsys)

    assert code == 1 and line.startswith("greencell: ") and line.count("\n") == 1


def test_a_name_of_a_file_breaks_no_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by fuzzing: file systems allow line ends in names."""
    for content in ("{", json.dumps(notebook())):
        path = tmp_path / "a\nb.ipynb"
        path.write_text(content)

        assert main(["report", str(path)]) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_a_file_beyond_all_measure_is_refused_unread(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sparse file of 100 MiB and one byte; a small limit would test another code."""
    path = tmp_path / "train.ipynb"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)

    assert main(["report", str(path)]) == 1
    assert "larger than 100 MiB" in capsys.readouterr().err


BAD: dict[str, list[Any]] = {
    "schema": [None, "greencell.cell.v2", ["greencell.cell.v1"], {}],
    "cell_id": [None, 3, "", "x" * 201, ["c1"]],
    "source_hash": [None, "", "E3B0C44298FC1C14", "0" * 15, "0" * 64, "０" * 16, 16],
    "run": [None, "", 1, "x" * 201],
    "status": [None, "fine", True, ["ok"]],
    "started_at": [None, 0, "now", "2026-13-01T00:00:00Z", "2026-01-31T09:00:00", "2026-01-31T09:00:00.0Z\n"],
    "duration_s": [None, "2", True, -1.0, 1e10, math.nan, math.inf, 10**400, [2.0]],
    "energy_kwh": [None, "1", -1e-9, 1e10, math.nan, 1e-9, 1.0],
    "energy_low_kwh": [None, -1.0, 1.0, math.nan],
    "co2_high_kg": [None, 0.0, math.inf, 10**400, False],
    "provenance": [None, "guessed", {}],
    "zone": [3, "", "x" * 201, ["FR"]],
    "intensity_g_per_kwh": ["41", -1, math.nan, 1e10, True],
    "flags": [None, "gap", {"gap": 1}, [3], ["x" * 201], ["gap"] * 51, [["gap"]]],
}  # fmt: skip


@pytest.mark.parametrize(("name", "wrong"), [(n, value) for n in BAD for value in BAD[n]])
def test_an_entry_that_is_not_as_it_should_be_is_none(name: str, wrong: Any) -> None:
    """It is counted as one that cannot be read, and costs no other cell its figure."""
    assert read_entry(entry(**{name: wrong})) is None
    made = document(cell(entry(**{name: wrong})), cell(entry("c2"), "c2"))

    assert made["totals"]["cells"] == 1
    assert "1 with figures that cannot be read" in made["notes"][1]


def test_unknown_names_and_flags_are_left_out() -> None:
    """Also those that are dangerous in another language."""
    odd = entry(
        __proto__={"energy_kwh": 9}, constructor=1, flags=["gap", "tomorrow's", "__proto__"]
    )
    made = document(cell(odd))

    assert made["cells"][0]["flags"] == ["gap"]
    assert "__proto__" not in json.dumps(made)


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\u202egpj", "<img src=x onerror=alert(1)>", "\ud800", "=1+1", "a\nb\r"]
)
def test_no_text_of_a_notebook_steers_anything(text: str) -> None:
    """Wherever the schema lets a text through; the file's own name too."""
    hostile = entry(text, zone=text, run=text)
    made = notebook_document(notebook(cell(hostile, text), cell(entry("c2"), "c2")), text)

    for name in report.FORMATS:
        shown = report.render(made, name)
        assert not UNSAFE.search(shown), name
        assert "<img" not in shown or name not in ("html", "md", "model-card", "climate-card")
    assert "<img" not in cells_html(made, "order")


# -- sums --------------------------------------------------------------------------------------

NUMBERS = st.floats(0, 1e9, allow_nan=False) | st.sampled_from([0.0, 5e-324, 0.1, 1e9])
ENDS = st.lists(NUMBERS, min_size=3, max_size=3).map(sorted)


@given(
    st.lists(st.tuples(ENDS | st.none(), ENDS | st.none(), st.booleans()), min_size=1, max_size=30)
)
def test_sums_are_exact_and_in_order(
    cells: list[tuple[list[float] | None, list[float] | None, bool]],
) -> None:
    """Each end is the correctly rounded sum of what is counted, whatever else stands there."""
    none = [None, None, None]
    made = []
    for index, (energy, co2, edited) in enumerate(cells):
        low, value, high = energy or none
        co2_low, co2_value, co2_high = co2 or none
        figures = entry(
            f"c{index}", energy_low_kwh=low, energy_kwh=value, energy_high_kwh=high,
            co2_low_kg=co2_low, co2_kg=co2_value, co2_high_kg=co2_high,
        )  # fmt: skip
        source = "changed" if edited else SOURCE
        made.append(cell(figures, f"c{index}", source=source))
    found = document(*made)
    totals = found["totals"]

    for column, quantity, unit in ((0, "energy", "kwh"), (1, "co2", "kg")):
        known = [c[column] for c in cells if c[column] is not None and not c[2]]
        names = (f"{quantity}_low_{unit}", f"{quantity}_{unit}", f"{quantity}_high_{unit}")
        for end, name in enumerate(names):
            expected = math.fsum(ends[end] for ends in known) if known else None  # type: ignore[index]
            assert totals[name] == expected
        if known:
            assert totals[names[0]] <= totals[names[1]] <= totals[names[2]]
    assert totals["cells_energy_kwh"] == totals["energy_kwh"]
    legible(found)
    to_text(found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=5,
    ),
    st.sampled_from(sorted(entry())),
)
def test_no_value_in_an_entry_is_more_than_refused(value: Any, name: str) -> None:
    made = notebook(cell({**copy.deepcopy(entry()), name: value}))
    try:
        shown = to_text(notebook_document(made, "x"))
    except UsageError as refusal:
        assert len(str(refusal).splitlines()) == 1
    else:
        assert "nan" not in shown and "inf" not in shown
