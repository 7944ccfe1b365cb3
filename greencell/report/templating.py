"""The template engine of reports. Every text goes through it with autoescape on."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment() -> Environment:
    """All templates of reports, loaded."""
    # Imported here: loading greencell must not cost a template engine.
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files("greencell.report") / "templates"
    sources = {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir()}
    return Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
