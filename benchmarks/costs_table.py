"""Fills the table of costs in the README from what overhead.py measured last.

Ratios within one run travel to other machines; times do not, so the table shows no more of them
than it must. Run: python benchmarks/costs_table.py (make bench does).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "overhead.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- costs -->\n", "<!-- /costs -->\n"
LOAD_AIM_MS, BLOCK_AIM_MS, PAIR_OF_AIM_MS = 100.0, 0.1, 0.6

Costs = dict[str, Any]


def main() -> None:
    README.write_text(filled(README.read_text(encoding="utf-8"), table(read())), encoding="utf-8")


def read() -> Costs:
    costs: Costs = json.loads(RESULTS.read_text(encoding="utf-8"))
    return costs


def filled(text: str, content: str) -> str:
    """The text with new content between the two marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + content + END + rest.split(END)[1]


def rows(costs: Costs) -> list[tuple[str, float, float, str]]:
    """What it is, how much, how much at most, and how to write it."""
    pair, cell = costs["pair_ms"], costs["pass_cell_ms"]
    theirs = pair["codecarbon"]
    return [
        ("pair of hooks around a cell, nobody looks, over codecarbon's pair",
         pair["no_page"] / theirs, 0.2, "{:.2f}"),
        ("the same with a page open", pair["page"] / theirs, 0.4, "{:.2f}"),
        ("a `pass` cell over sockets, nobody looks, over a bare kernel's",
         cell["no_page"] / cell["bare"], 1.15, "{:.2f}"),
        ("the same with a page open", cell["page"] / cell["bare"], 1.15, "{:.2f}"),
        ("`%load_ext greencell`, imports included, over codecarbon's pair",
         costs["load_ms"] / theirs, LOAD_AIM_MS / PAIR_OF_AIM_MS, "{:.0f}"),
        ("a measured block in a script, over codecarbon's pair",
         costs["block_ms"] / theirs, BLOCK_AIM_MS / PAIR_OF_AIM_MS, "{:.2f}"),
        ("modules of greencell that it loads", costs["modules"], 60, "{:.0f}"),
        ("resident memory, MB", costs["memory_mb"], 10, "{:.1f}"),
        ("background, a cell running and a page open, % of a core",
         costs["background_percent"]["running"], 0.3, "{:.2f}"),
        ("background, idle, % of a core", costs["background_percent"]["idle"], 0.05, "{:.2f}"),
        ("the 10,000th cell over the 10th", costs["many_cells"], 1.2, "{:.2f}"),
    ]  # fmt: skip


def table(costs: Costs) -> str:
    """Markdown, with what it was measured on."""
    lines = ["| | measured | aim |", "|---|---|---|"]
    for what, value, aim, form in rows(costs):
        missed = ", missed" if float(form.format(value)) > float(form.format(aim)) else ""
        lines.append(f"| {what} | {form.format(value)} | ≤ {form.format(aim)}{missed} |")
    pair = costs["pair_ms"]["codecarbon"]
    lines += [
        "",
        f"codecarbon's pair is `start_task` + `stop_task` of codecarbon {costs['codecarbon']}, "
        f"{pair:.2f} ms in this run: {costs['machine']}, Python {costs['python']}, "
        f"simulated hardware with two sockets and two GPUs, {costs['date']}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
