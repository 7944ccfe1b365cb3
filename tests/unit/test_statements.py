"""Statements to paste, each read back by what will read it."""

from __future__ import annotations

import copy
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greencell import report
from greencell.carbon.carbon_info import Wishes
from greencell.carbon.grid_table import GridTable
from greencell.cli import main
from greencell.place import Place
from greencell.report import Asked
from greencell.report.statements.codecarbon import COLUMNS
from tests_support import Bench

FIXTURE = Path(__file__).parents[1] / "fixtures" / "session.json"
HOSTILE = [
    "\\input{/etc/passwd} $x$ 50% & #1 _a_ ^b~ <i> |x| \"q\" 'q'", "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0", "a\nb: c\n---\n- d", "[x](javascript:alert(1))", "``` \\end{document}",
    "µ ≈ ± – ≥ … × é 中文 🙂", "\u202e\x1b[2J",
]  # fmt: skip


@pytest.fixture
def document() -> dict[str, Any]:
    """A session of 90 W for a minute in France, measured."""
    bench = Bench.make()
    place = Place(bench.session, GridTable(), Wishes(pue=1.2))
    place.move("FR")
    bench.cell(60.0)
    made: dict[str, Any] = bench.session.to_dict()
    made["host"]["gpus"] = ["NVIDIA A100", "NVIDIA A100"]
    return made


def with_text(document: dict[str, Any], text: str) -> dict[str, Any]:
    """The document with a hostile text wherever a text may come from elsewhere."""
    hostile = copy.deepcopy(document)
    hostile["host"].update(cpu=text, gpus=[text], os=text)
    hostile["session"].update(label=text, notebook=text, id=text, started_at=text)
    hostile["carbon"].update(zone=text, zone_name=text, basis=text, source=text, note=text)
    for source in hostile["sources"]:
        source.update(id=text, component=text, detail=text)
    return hostile


# -- Hugging Face ------------------------------------------------------------------------------


def card(front: str, body: str = "text") -> Any:
    from huggingface_hub import ModelCard

    return ModelCard(f"---\nlicense: mit\n{front}---\n{body}\n")


def test_the_hub_reads_grams(document: dict[str, Any]) -> None:
    """A number, in grams, with all that the Hub shows; and only what is known."""
    data = card(report.render(document, "huggingface")).data.to_dict()["co2_eq_emissions"]

    assert data["emissions"] == pytest.approx(document["totals"]["co2_kg"] * 1e3, rel=1e-3)
    assert set(data) == {"emissions", "source", "geographical_location", "hardware_used"}
    assert data["geographical_location"] == "France"
    assert "2x NVIDIA A100" in data["hardware_used"]
    assert "measured" in data["source"]


def test_the_author_names_the_training(document: dict[str, Any]) -> None:
    """It cannot be known from the energy."""
    text = report.render(document, "yaml", Asked(training_type="fine-tuning"))

    assert card(text).data.to_dict()["co2_eq_emissions"]["training_type"] == "fine-tuning"


def test_an_unknown_mass_is_null_and_not_0(document: dict[str, Any]) -> None:
    """The Hub shows nothing then."""
    document["totals"].update(co2_kg=None, co2_low_kg=None, co2_high_kg=None)

    assert (
        card(report.render(document, "huggingface")).data.to_dict()["co2_eq_emissions"]["emissions"]
        is None
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_out_of_the_front_matter(document: dict[str, Any], text: str) -> None:
    """It is a quoted scalar on one line."""
    data = card(report.render(with_text(document, text), "huggingface")).data.to_dict()

    assert set(data) == {"license", "co2_eq_emissions"}
    assert set(data["co2_eq_emissions"]) <= {
        "emissions", "source", "geographical_location", "hardware_used",
    }  # fmt: skip


def test_the_model_cards_section_has_the_templates_names(document: dict[str, Any]) -> None:
    """The Hub's own template: each of its items is there, filled, under the same heading."""
    import huggingface_hub

    folder = Path(huggingface_hub.__file__).parent / "templates"
    template = (folder / "modelcard_template.md").read_text(encoding="utf-8")
    wanted = template.partition("## Environmental Impact")[2].partition("\n## ")[0]
    names = [line.split("**")[1] for line in wanted.splitlines() if line.startswith("- **")]

    text = report.render(document, "model-card")

    assert len(names) == 5
    lines = {line.split("**")[1]: line for line in text.splitlines() if line.startswith("- **")}
    assert text.startswith("## Environmental Impact\n")
    for name in names:
        assert len(lines[name].split("**")[2].strip()) > 0
    assert " g CO2eq" in lines["Carbon Emitted:"]
    assert card("", text).text.count("## Environmental Impact") == 1


def test_a_cloud_and_a_guess_are_told(document: dict[str, Any]) -> None:
    """The region by name; a guessed country as one; a world average as one."""
    document["carbon"].update(zone="gcp:europe-west9", zone_name="Paris, France (gcp europe-west9)")
    for cell in document["cells"]:
        cell["zone"] = "gcp:europe-west9"
    text = report.render(document, "model-card")
    assert "**Cloud Provider:** Google Cloud" in text
    assert "**Compute Region:** europe-west9" in text

    document["carbon"].update(zone="FR", zone_name="France", located_by="timezone")
    assert "France (guessed from the time zone)" in report.render(document, "latex")
    document["carbon"].update(zone="WORLD", zone_name="World", located_by="default")
    assert "place unknown, so the world average" in report.render(document, "model-card")


# -- LaTeX -------------------------------------------------------------------------------------

ALLOWED = {
    "textbackslash", "{", "}", "$", "&", "#", "%", "_", "textasciitilde", "textasciicircum",
    "textless", "textgreater", "textbar", "mu", "approx", "pm", "geq", "ldots", "times", ",",
}  # fmt: skip


def macros(nodes: Any) -> set[str]:
    from pylatexenc.latexwalker import LatexEnvironmentNode, LatexMacroNode

    found: set[str] = set()
    for node in nodes:
        assert not isinstance(node, LatexEnvironmentNode)
        if isinstance(node, LatexMacroNode):
            found.add(node.macroname)
        found |= macros(getattr(node, "nodelist", None) or [])
    return found


def parsed(text: str) -> Any:
    from pylatexenc.latexwalker import LatexWalker

    return LatexWalker(text, tolerant_parsing=False).get_latex_nodes()[0]


def test_the_paragraph_compiles_or_at_least_parses(
    document: dict[str, Any], tmp_path: Path
) -> None:
    """Plain LaTeX, without a package beyond the input encoding."""
    text = report.render(document, "latex")
    assert macros(parsed(text)) <= ALLOWED
    assert "measured" in text and "PUE of 1.2" in text and "life-cycle" in text

    program = next((p for p in ("tectonic", "pdflatex", "latex") if shutil.which(p)), None)
    if program is not None:
        source = tmp_path / "paper.tex"
        source.write_text(
            f"\\documentclass{{article}}\n\\begin{{document}}\n{text}\\end{{document}}\n", "utf-8"
        )
        halt = [] if program == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
        done = subprocess.run([program, *halt, source.name], cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stdout[-2_000:]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_command_of_latex(document: dict[str, Any], text: str) -> None:
    """It is printed, character by character."""
    shown = report.render(with_text(document, text), "latex")

    assert macros(parsed(shown)) <= ALLOWED
    assert "\\input" not in shown and shown.count("\n") == 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_printable_latex(text: str) -> None:
    """Balanced, and of known macros alone."""
    document = json.loads(FIXTURE.read_text(encoding="utf-8"))
    shown = report.render(with_text(document, text or "-"), "latex")

    assert macros(parsed(shown)) <= ALLOWED


# -- codecarbon --------------------------------------------------------------------------------


def frame(document: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.read_csv(io.StringIO(report.render(document, "codecarbon")))


def test_pandas_reads_codecarbons_columns(document: dict[str, Any]) -> None:
    """Those of codecarbon 3.3.2 in their order, numbers as numbers, the PUE in the energies."""
    rows = frame(document)

    assert tuple(rows.columns) == COLUMNS
    assert len(rows) == 1
    row, totals = rows.iloc[0], document["totals"]
    assert row["emissions"] == totals["co2_kg"]
    assert row["energy_consumed"] == pytest.approx(totals["energy_kwh"] * 1.2)
    assert row["energy_consumed"] == pytest.approx(
        row[["cpu_energy", "gpu_energy", "ram_energy"]].fillna(0).sum()
    )
    assert row["emissions_rate"] == pytest.approx(totals["co2_kg"] / row["duration"])
    assert row["cpu_power"] + row["gpu_power"] == pytest.approx(90.0 * 1.2, rel=1e-3)
    assert (row["country_name"], row["country_iso_code"]) == ("France", "FRA")
    assert (row["pue"], row["on_cloud"], row["gpu_count"]) == (1.2, "N", 2)
    assert row["tracking_mode"] == "machine"
    for name in ("duration", "emissions", "energy_consumed", "cpu_energy", "pue", "ram_total_size"):
        assert rows[name].dtype.kind in "fi"


def test_what_codecarbon_asks_and_nobody_knows_is_empty(document: dict[str, Any]) -> None:
    """Not 0: neither places on a map nor utilisation."""
    row = frame(document).iloc[0]

    for name in (
        "longitude",
        "latitude",
        "cpu_utilization_percent",
        "wue",
        "water_consumed",
        "ram_energy",
    ):
        assert row[name] != row[name], name


def test_a_cloud_region_in_codecarbons_words(document: dict[str, Any]) -> None:
    """Provider and region apart, the country of the data centre, its water."""
    document["carbon"].update(zone="aws:us-west-2", wue_l_per_kwh=0.16, pue=1.12)
    row = frame(document).iloc[0]

    assert (row["cloud_provider"], row["cloud_region"], row["on_cloud"]) == (
        "aws",
        "us-west-2",
        "Y",
    )
    assert row["country_iso_code"] == "USA"
    assert row["water_consumed"] == pytest.approx(document["totals"]["energy_kwh"] * 0.16)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_a_formula_or_a_row(document: dict[str, Any], text: str) -> None:
    """As in the CSV of the cells."""
    rows = frame(with_text(document, text))

    assert len(rows) == 1
    assert not str(rows.iloc[0]["cpu_model"]).startswith(("=", "+", "-", "@"))


# -- lines and cards ---------------------------------------------------------------------------


def test_the_score_is_a_line_with_all_its_letters(document: dict[str, Any]) -> None:
    """E, I, M, R and the standard; per what the author says."""
    text = report.render(document, "sci", Asked(per="epoch"))

    assert text.count("\n") == 1
    for part in (
        "SCI = ",
        "per epoch",
        "E = ",
        "I = 41.4",
        "M not included",
        "R = 1 epoch",
        "ISO/IEC 21031:2024",
    ):
        assert part in text


@pytest.mark.parametrize("name", sorted(set(report.STATEMENTS) - {"codecarbon", "ai-act"}))
def test_a_mass_of_co2_says_what_it_leaves_out(name: str, document: dict[str, Any]) -> None:
    """A table of figures has no room for it, and the act asks for energy alone."""
    text = " ".join(report.render(document, name).split())

    assert "location-based: certificates and offsets are not deducted" in text
    assert "making the hardware and its end of life are not counted" in text


def test_the_acts_line_is_in_megawatt_hours(document: dict[str, Any]) -> None:
    """Two significant digits: 90 W for 60 s are 0.0000015 MWh."""
    text = report.render(document, "ai-act")

    assert ": 0.0000015 MWh (" in text
    assert "known (measured)" in text and "Annex XI" in text and "This is one session" in text


def test_the_climate_card_leaves_open_what_only_the_author_knows(document: dict[str, Any]) -> None:
    """Eleven rows in their order; nothing is invented."""
    lines = report.render(document, "climate-card").splitlines()
    rows = [line for line in lines if line.startswith("| ") and line[2].isdigit()]

    assert [int(row[2:].partition(".")[0]) for row in rows] == list(range(1, 12))
    for number in (1, 9, 10):
        assert rows[number - 1].endswith("(for the author to fill in) |")
    assert "France" in rows[4] and "Wh" in rows[3] and "CO2e" in rows[6]
    assert all(line.count("|") == 3 for line in lines if line.startswith("|"))


@pytest.mark.parametrize("name", report.STATEMENTS)
@pytest.mark.parametrize("text", HOSTILE)
def test_every_statement_bears_hostile_texts(
    document: dict[str, Any], name: str, text: str
) -> None:
    """No control character, no table cell more, no half of a number."""
    shown = report.render(with_text(document, text), name)

    assert all(c.isprintable() or c in "\n\u202f" for c in shown)
    assert "nan" not in shown.replace("finance", "").split() and "inf" not in shown.split()


@pytest.mark.parametrize("name", report.STATEMENTS)
def test_a_session_of_two_places_says_so(document: dict[str, Any], name: str) -> None:
    """Also that their figures count different things."""
    bench = Bench.make()
    place = Place(bench.session, GridTable(), Wishes())
    for zone in ("FR", "US-CA"):
        place.move(zone)
        bench.cell(60.0)
    both = bench.session.to_dict()

    shown = report.render(both, name)

    if name in ("latex", "model-card", "climate-card", "sci"):
        assert "mixes direct and life-cycle figures" in shown
    if name in ("latex", "model-card", "huggingface", "climate-card"):
        assert "California, also FR" in shown


@pytest.mark.parametrize("name", report.STATEMENTS)
def test_sessions_of_older_versions_still_render(name: str) -> None:
    """They lack bases and the grid's own uncertainty."""
    assert report.render(json.loads(FIXTURE.read_text(encoding="utf-8")), name).strip()


@pytest.mark.parametrize("name", report.STATEMENTS)
def test_a_session_without_any_energy_is_told_as_unknown(
    document: dict[str, Any], name: str
) -> None:
    """Missing is missing."""
    for key in document["totals"]:
        if key.endswith(("kwh", "kg")):
            document["totals"][key] = None
    document["totals"]["by_component_kwh"] = {}
    for key in ("duration_s",):
        document["session"][key] = None

    shown = report.render(document, name)

    assert "unknown" in shown or "null" in shown or ",,,," in shown


def test_the_command_line_shows_and_writes_a_statement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name; a wrong name is one line."""
    assert main(["report", str(FIXTURE), "--as", "sci"]) == 0
    assert capsys.readouterr().out.startswith("SCI = ")
    target = tmp_path / "emissions.csv"
    assert main(["report", str(FIXTURE), "-o", str(target), "--as", "codecarbon"]) == 0
    assert target.read_text().startswith("timestamp,project_name")
    with pytest.raises(SystemExit) as ended:
        main(["report", str(FIXTURE), "--as", "poem"])
    assert ended.value.code == 2
