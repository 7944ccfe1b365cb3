"""Reports: the session document in each format. No arithmetic on energies here but scaling.

``render`` makes the text, ``write`` puts it into a file. A format is a function from the
document to text; adding one touches its file and one line of ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from greencell.errors import UsageError
from greencell.report.data_formats import to_csv, to_json
from greencell.report.file import export_path, replaced, write_whole
from greencell.report.html_format import to_html
from greencell.report.shape import legible, one_line
from greencell.report.statements.ai_act import to_ai_act
from greencell.report.statements.climate_card import to_climate_card
from greencell.report.statements.codecarbon import to_codecarbon
from greencell.report.statements.huggingface import to_yaml
from greencell.report.statements.latex import to_tex
from greencell.report.statements.model_card import to_model_card
from greencell.report.statements.sci_line import to_sci
from greencell.report.statements.words import Asked
from greencell.report.svg_format import to_svg
from greencell.report.text_formats import to_markdown

__all__ = ["FORMATS", "STATEMENTS", "Asked", "Format", "known_name", "render", "write"]

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a session down.

    Attributes:
        suffix: of a file that holds it, without the dot.
        title: for a person who chooses.
    """

    suffix: str
    title: str
    make: Callable[[Document, Asked], str]


def _statement(make: Callable[[Document, Asked], str]) -> Callable[[Document, Asked], str]:
    """Statements take a legible document."""
    return lambda document, asked: make(legible(document), asked)


_FILES: Final[Mapping[str, Format]] = {
    "json": Format("json", "the session document", lambda d, _: to_json(d)),
    "csv": Format("csv", "a row for each cell", lambda d, _: to_csv(d)),
    "md": Format("md", "a summary in Markdown", lambda d, _: to_markdown(d)),
    "html": Format("html", "a page that opens offline", lambda d, _: to_html(d)),
    "tex": Format("tex", "the paragraph for a paper", _statement(to_tex)),
    "yaml": Format("yaml", "co2_eq_emissions of a Hugging Face card", _statement(to_yaml)),
    "svg": Format("svg", "an image of the cells, for a README", lambda d, _: to_svg(d)),
}
STATEMENTS: Final[Mapping[str, Format]] = {
    "model-card": Format("md", "model card: Environmental Impact", _statement(to_model_card)),
    "huggingface": Format("yaml", "Hugging Face: co2_eq_emissions", _statement(to_yaml)),
    "latex": Format("tex", "paper: a LaTeX paragraph", _statement(to_tex)),
    "climate-card": Format("md", "climate performance model card", _statement(to_climate_card)),
    "codecarbon": Format("csv", "codecarbon: emissions.csv", _statement(to_codecarbon)),
    "sci": Format("txt", "software carbon intensity", _statement(to_sci)),
    "ai-act": Format("txt", "EU AI Act: energy line", _statement(to_ai_act)),
}
"""What is pasted or handed in somewhere; by name, because several have one suffix."""
FORMATS: Final[Mapping[str, Format]] = {**_FILES, **STATEMENTS}


def render(document: Document, name: str, asked: Asked | None = None) -> str:
    """The document as text in the format ``name``.

    Raises:
        UsageError: there is no such format.
    """
    return FORMATS[known_name(name)].make(document, asked or Asked())


def known_name(name: str) -> str:
    """The name of a format as it stands in ``FORMATS``; ``.JSON`` is ``json``.

    Raises:
        UsageError: there is no such format.
    """
    found = name.lower().lstrip(".")
    if found not in FORMATS:
        raise UsageError(f"Unknown format {name[:20]!r}; choose one of {', '.join(FORMATS)}.")
    return found


def write(
    document: Document,
    path: str | Path,
    *,
    force: bool = False,
    form: str | None = None,
    asked: Asked | None = None,
) -> Path:
    """Write the document to ``path``, whole or not at all.

    Args:
        form: the name of a format; else the suffix tells it.

    Raises:
        UsageError: unknown suffix, no such folder, existing file without ``force``, something that
            is no file, or a place that cannot be written.
    """
    path = export_path(path)
    former = replaced(path, force=force)
    if form is not None:
        known_name(form)
    elif not path.suffix:
        suffixes = " ".join(f".{name}" for name in _FILES)
        raise UsageError(
            f"{one_line(str(path))} has no suffix to tell the format; use one of {suffixes}."
        )
    if not path.parent.is_dir():
        folder = one_line(str(path.parent))
        raise UsageError(f"The folder {folder} does not exist; create it first.")
    write_whole(path, render(document, form or path.suffix, asked), former, force=force)
    return path
