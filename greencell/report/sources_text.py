"""What meters what, and what is not used and why: for ``greencell doctor`` and the magic."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from greencell.report import figures

WIDTH: Final = 88
NARROWEST: Final = 40
_INDENT: Final = "  "
_GAP: Final = "  "
_STANDARD_TO_95: Final = 2.0
"""A counter's and a gauge's error is told as standard uncertainty (k = 1), a model's is not."""
Source = Mapping[str, Any]


def sources_text(
    sources: Sequence[Source], skipped: Sequence[Mapping[str, Any]], width: int = WIDTH
) -> str:
    """Calm, aligned lines. Commands are never broken, so that they can be copied.

    Args:
        sources, skipped: those of a legible document.
        width: columns that the rest is wrapped to.
    """
    width = max(NARROWEST, width)
    counted = [source for source in sources if source["scope"] != "node"]
    counted.sort(key=lambda source: source["component"])
    beside = [source for source in sources if source["scope"] == "node"]
    lines = ["Counted"]
    lines += _table(counted, width) or [f"{_INDENT}nothing here can be metered or modelled"]
    if beside:
        lines += ["", "Beside the sum, the whole machine", *_table(beside, width)]
    if skipped:
        lines += ["", "Not used"]
        for one in skipped:
            lines += _left_out(one, width)
    return "\n".join(lines)


def _table(sources: Sequence[Source], width: int) -> list[str]:
    """One line per source, aligned, its words below; the columns are told in two where narrow."""
    rows = [_columns(source) for source in sources]
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    narrow = len(_INDENT) + sum(widths) + len(_GAP) * (len(widths) - 1) > width
    indent = _INDENT + " " * widths[0] + _GAP
    lines = []
    for source, row in zip(sources, rows, strict=True):
        padded = [text.ljust(size) for text, size in zip(row, widths, strict=True)]
        if narrow:
            lines.append((_INDENT + _GAP.join(padded[:3])).rstrip())
            lines += wrapped(", ".join(text for text in row[3:] if text), width, indent)
        else:
            lines.append((_INDENT + _GAP.join(padded)).rstrip())
        lines += wrapped(source["detail"] or "", width, indent)
    return lines


def _columns(source: Source) -> tuple[str, ...]:
    """Component, provenance, name, period, error, idle power, lag."""
    every = figures.duration(source["period_s"])
    idle = source["baseline_w"]
    return (
        source["component"],
        source["provenance"],
        source["id"],
        "period unknown" if every == figures.UNKNOWN else f"every {every}",
        _error(source),
        "" if idle is None else f"idle {figures.power(idle, estimated=True)}",
        f"{figures.duration(source['lag_s'])} late" if source["lag_s"] else "",
    )


def _error(source: Source) -> str:
    """About 95 %, as all intervals are."""
    error = source["relative_error"]
    if error is None:
        return "error unknown"
    if source["kind"] != "model":
        error *= _STANDARD_TO_95
    elif source["low_factor"] is not None and source["high_factor"] is not None:
        low, high = source["low_factor"], source["high_factor"]
        return f"{low:.2g}–{high:.2g} times"
    return f"±{figures.NARROW_SPACE}{100 * error:.0f}{figures.NARROW_SPACE}%"


def _left_out(one: Mapping[str, Any], width: int) -> Iterator[str]:
    inner = _INDENT * 2
    yield from wrapped(f"{one['id']}: {one['reason']}", width, _INDENT, inner)
    if one["flag"] == "virtual" and one["remedy"]:
        yield from wrapped(one["remedy"], width, inner)
    elif one["remedy"]:
        yield f"{inner}to enable:"
        # Whole, and from the first column but for the indent: it pastes into a shell.
        yield f"{inner}{_INDENT}{' '.join(one['remedy'].splitlines())}"
    if one["caution"]:
        yield from wrapped(f"opens besides: {one['caution']}", width, inner, inner + _INDENT)
    if one["benefit"]:
        yield from wrapped(f"would bring: {one['benefit']}", width, inner, inner + _INDENT)


def wrapped(text: str, width: int, first: str, rest: str | None = None) -> list[str]:
    """The lines of a text, the first after ``first``, the others after ``rest``."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=first if rest is None else rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
