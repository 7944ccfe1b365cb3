"""Reports: the session document in each format. No arithmetic on energies here but scaling.

``render`` makes the text, ``write`` puts it into a file. A format is a function from the
document to text; adding one touches its file and one line of ``FORMATS``. Each is imported when
it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from greencell.errors import UsageError

__all__ = ["FORMATS", "STATEMENTS", "Asked", "Format", "known_name", "render", "write"]

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What only the author knows.

    Attributes:
        training_type: e.g. ``pre-training`` or ``fine-tuning``; left out where it is not given.
        per: the functional unit of a score.
    """

    training_type: str | None = None
    per: str = "run of this notebook"


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


def _function(room: str, name: str) -> Callable[..., str]:
    """A function of a room of reports; threads may ask for it, too."""
    from greencell.late import imported_late

    module = imported_late(partial(import_module, f"greencell.report.{room}"))
    function: Callable[..., str] = getattr(module, name)
    return function


def _view(suffix: str, title: str, room: str, name: str) -> Format:
    return Format(suffix, title, lambda document, _: _function(room, name)(document))


def _statement(suffix: str, title: str, room: str, name: str) -> Format:
    """Statements take a legible document."""

    def make(document: Document, asked: Asked) -> str:
        from greencell.report.shape import legible

        return _function(f"statements.{room}", name)(legible(document), asked)

    return Format(suffix, title, make)


_TEX: Final = ("latex", "to_tex")
_YAML: Final = ("huggingface", "to_yaml")
_FILES: Final[Mapping[str, Format]] = {
    "json": _view("json", "the session document", "data_formats", "to_json"),
    "csv": _view("csv", "a row for each cell", "data_formats", "to_csv"),
    "md": _view("md", "a summary in Markdown", "text_formats", "to_markdown"),
    "html": _view("html", "a page that opens offline", "html_format", "to_html"),
    "tex": _statement("tex", "the paragraph for a paper", *_TEX),
    "yaml": _statement("yaml", "co2_eq_emissions of a Hugging Face card", *_YAML),
    "svg": _view("svg", "an image of the cells, for a README", "svg_format", "to_svg"),
}
STATEMENTS: Final[Mapping[str, Format]] = {
    "model-card": _statement(
        "md", "model card: Environmental Impact", "model_card", "to_model_card"
    ),
    "huggingface": _statement("yaml", "Hugging Face: co2_eq_emissions", *_YAML),
    "latex": _statement("tex", "paper: a LaTeX paragraph", *_TEX),
    "climate-card": _statement(
        "md", "climate performance model card", "climate_card", "to_climate_card"
    ),
    "codecarbon": _statement("csv", "codecarbon: emissions.csv", "codecarbon", "to_codecarbon"),
    "sci": _statement("txt", "software carbon intensity", "sci_line", "to_sci"),
    "ai-act": _statement("txt", "EU AI Act: energy line", "ai_act", "to_ai_act"),
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
    from greencell.report.file import export_path, replaced, write_whole
    from greencell.report.terminal import one_line

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
