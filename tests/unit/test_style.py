"""What our style sheets may hold: the theme's colours, and nothing that reaches beyond us."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = Path(__file__).resolve().parents[2] / "style"
SHEETS = sorted(STYLE.glob("*.css"))
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
LITERAL = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix)\(", re.IGNORECASE
)
#: CSS names 148 colours; nearly all end in one of these.
NAMED = re.compile(
    r"(?<![\w-])\w*(?:white|black|gr[ae]y|silver|red|maroon|brown|yellow|gold|orange|coral|green"
    r"|lime|olive|blue|navy|cyan|aqua|teal|purple|violet|magenta|fuchsia|pink|salmon|khaki|beige)"
    r"(?![\w-])",
    re.IGNORECASE,
)
COLOURED = re.compile(r"color|background|border|outline|shadow|fill|stroke|decoration|^--gc-")
#: Where there is no JupyterLab around, the panel brings what a theme would define.
THEMELESS = ".gc-Widget.gc-mod-alone"
STEPS = re.compile(r"^(?:from|to|[\d.]+%)(?:\s*,\s*(?:from|to|[\d.]+%))*$")


def rules(sheet: Path) -> list[tuple[str, str]]:
    """Selectors and declarations, those inside of @media and @container too."""
    text = COMMENT.sub("", sheet.read_text(encoding="utf-8"))
    return [(selector.rpartition(";")[2].strip(), body) for selector, body in RULE.findall(text)]


def literal_colours(value: str) -> list[str]:
    """Colours in a value, outside the fallback of a ``var()``."""
    while (bare := re.sub(r"var\(\s*--[\w-]+\s*(?:,[^()]*)?\)", "", value)) != value:
        value = bare
    return LITERAL.findall(value) + NAMED.findall(value)


def reaches_out(selector: str) -> bool:
    """Whether one part of a selector list starts elsewhere than at a class of ours."""
    parts = re.split(r",(?![^()]*\))", selector)
    return any(not re.match(r"\.gc-[A-Za-z]", part.strip()) for part in parts)


def test_the_check_finds_what_it_looks_for() -> None:
    """A check that finds nothing anywhere would pass for one that is met."""
    for value in ("1px solid #fff", "rgb(0 0 0 / 50%)", "darkslategray", "var(--a) red"):
        assert literal_colours(value), value
    for value in ("1px solid var(--jp-x, var(--jp-y, #fff))", "transparent", "var(--md-teal-400)"):
        assert not literal_colours(value), value
    for selector in ("td", ".gc-Cell, td", ":root", ".jp-Cell", "*"):
        assert reaches_out(selector), selector
    for selector in (".gc-Cell > td, .gc-Chip:hover", ".gc-A:is(a, b)"):
        assert not reaches_out(selector), selector


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_colours_are_the_themes_own(sheet: Path) -> None:
    """Literal ones stand only where a theme lacks a variable."""
    found = [
        (selector, name.strip(), colours)
        for selector, body in rules(sheet)
        for name, _, value in (line.partition(":") for line in body.split(";"))
        if COLOURED.search(name.strip())
        and not (selector.startswith(THEMELESS) and name.strip().startswith("--"))
        and (colours := literal_colours(value))
    ]
    assert not found


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_no_rule_reaches_beyond_our_classes(sheet: Path) -> None:
    """Each selector starts at a ``gc-`` class; steps of an animation have none."""
    found = [
        selector
        for selector, _ in rules(sheet)
        if selector and not STEPS.match(selector) and reaches_out(selector)
    ]
    assert not found


def test_every_sheet_is_read() -> None:
    """Nothing found in nothing read would pass."""
    assert sum(len(rules(sheet)) for sheet in SHEETS) > 100
