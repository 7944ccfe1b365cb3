"""Every reader of ours, as something that takes choices and holds what it promises.

A reader may refuse in the way that it promises. Whatever else comes out of it, an assertion of
this file included, is a problem.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from fuzzing import samples
from fuzzing.choices import ODD_NUMBERS, ODD_TEXTS, Choices, broken, value
from greencell import report
from greencell.carbon.grid_table import GridTable
from greencell.carbon.location import locate
from greencell.cli.report import read
from greencell.errors import ReadFailed, SourceUnavailable, UsageError
from greencell.history.leftover import leftovers
from greencell.magic_words import words_of
from greencell.page_requests import OPS, decode_request
from greencell.report.file import export_path
from greencell.report.notebook import notebook_document
from greencell.report.shape import legible
from greencell.report.terminal import UNSAFE
from greencell.report.text_formats import cells_text, to_text
from greencell.settings import environment_name, read_settings
from greencell.sources.powercap import readable_zones
from greencell.sources.sysfs_file import open_readonly, parse_number
from greencell.wire import BadRequest

Reader = Callable[[Choices, Path], None]
"""Takes choices and an empty folder to work in."""
TABLE: Final = GridTable()
SHORT_SESSION: Final = samples.short_session()
_RAW: Final = 0
"""The first choice of readers of JSON: the rest is the text itself."""
_ZONES: Final = (
    "intel-rapl:0", "intel-rapl:0:1", "intel-rapl-mmio:0", "intel-rapl:9:9:9", "x", "intel-rapl:",
)  # fmt: skip
_LINE_PARTS: Final = (
    "export ", "C:\\Users\\Jo", "\"", "'", " ", "\\ ", "--force", "~", "/", "..", "\0", "é", "\ud800",
    "--as=md", "x.json", "o'brien", "\n", "x" * 300,
)  # fmt: skip
_ZONE_WORDS: Final = (b"package-0\n", b"package-1-die-0\n", b"dram", b"psys\n", b"123\n", b"")


def request(choices: Choices, _folder: Path) -> None:
    """The wire decoder."""
    good = {**samples.REQUEST, "op": choices.one_of(OPS)}
    try:
        decode_request(value(choices) if choices.in_256(48) else broken(choices, good))
    except BadRequest as refusal:
        assert len(str(refusal).splitlines()) == 1


def line(choices: Choices, _folder: Path) -> None:
    """What somebody types after ``%greencell``, and the path of an export among it."""
    text = "".join(
        choices.one_of(_LINE_PARTS) if choices.in_256(160) else choices.text()
        for _ in range(1 + choices.below(6))
    )
    try:
        words = words_of(text)
        assert sum(map(len, words)) <= len(text)
        for word in words:
            export_path(word)
    except UsageError as refusal:
        assert len(str(refusal).splitlines()) == 1


def powercap(choices: Choices, folder: Path) -> None:
    """The powercap tree: a counter's text, and now and then (files are slow) a whole tree."""
    if choices.in_256(12):
        _tree(choices, folder / "sys")
        return
    odd = str(choices.one_of(ODD_NUMBERS)).encode() + choices.one_of((b"", b"\n", b"\0", b" 7"))
    text = odd if choices.in_256(64) else choices.take(40)
    for signed in (False, True):
        try:
            number = parse_number(text, "energy_uj", signed=signed)
            assert abs(number) < 10**20 and (signed or number >= 0)
        except ReadFailed as failure:
            assert len(str(failure).splitlines()) == 1


def _tree(choices: Choices, root: Path) -> None:
    zones = root / "class/powercap"
    for _ in range(choices.below(5)):
        zone = zones / choices.one_of(_ZONES)
        zone.mkdir(parents=True, exist_ok=True)
        for file in ("name", "energy_uj", "max_energy_range_uj"):
            if not choices.in_256(64):
                odd = choices.in_256(96)
                content = choices.take(20) if odd else choices.one_of(_ZONE_WORDS)
                (zone / file).write_bytes(content)
    try:
        found, _ = readable_zones([root], open_readonly, container=False)
        assert all(zone.first_uj >= 0 for zone in found)
    except SourceUnavailable as reason:
        assert str(reason)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def settings(choices: Choices, _folder: Path) -> None:
    """Environment and configuration."""
    environment: dict[str, str] = {}
    config: dict[str, object] = {}
    for _ in range(1 + choices.below(4)):
        name = choices.one_of(list(samples.SETTINGS))
        given = samples.SETTINGS[name] if choices.in_256(64) else value(choices)
        if choices.in_256(128):
            environment[environment_name(name)] = given if isinstance(given, str) else str(given)
        else:
            config[choices.text() if choices.in_256(16) else name] = given
    read_ones = read_settings(environment, config)
    assert 1.0 <= (read_ones.settings.pue or 1.0) <= 5.0
    assert 0.1 <= read_ones.settings.interval_s <= 30.0
    for line in read_ones.problems:
        assert line.startswith("greencell: ") and len(line.splitlines()) == 1


def notebook(choices: Choices, folder: Path) -> None:
    """The figures in a notebook."""
    try:
        if choices.below(4) == _RAW:
            document = _read_file(folder / "x.ipynb", choices.rest())
        else:
            made = broken(choices, samples.NOTEBOOK)
            if not isinstance(made, dict):
                return  # what is no object gets no further than the file
            document = notebook_document(made, choices.text(), TABLE)
            _holds(document)
        _shows(document, choices)
    except UsageError as refusal:
        assert len(str(refusal).splitlines()) == 1


def _holds(document: Mapping[str, Any]) -> None:
    """Sums are of the cells that are shown, and in order."""
    totals = document["totals"]
    for ends in (
        ("energy_low_kwh", "energy_kwh", "energy_high_kwh"),
        ("co2_low_kg", "co2_kg", "co2_high_kg"),
    ):
        low, middle, high = (totals[end] for end in ends)
        known = [cell[ends[1]] for cell in document["cells"] if cell[ends[1]] is not None]
        assert middle == (math.fsum(known) if known else None)
        assert middle is None or low <= middle <= high


def document(choices: Choices, folder: Path) -> None:
    """A session file."""
    try:
        if choices.below(4) == _RAW:
            made: Mapping[str, Any] = _read_file(folder / "x.json", choices.rest())
        else:
            made = broken(choices, SHORT_SESSION)
            legible(made)
        _shows(made, choices)
    except UsageError as refusal:
        assert len(str(refusal).splitlines()) == 1


def _read_file(path: Path, content: bytes) -> dict[str, Any]:
    path.write_bytes(content)
    return read(path)


def _shows(document: Mapping[str, Any], choices: Choices) -> None:
    """The words of it, or one of its formats; a page or an image, which are slow, now and then."""
    names = ["csv", *report.STATEMENTS, "md", "tex", "yaml"]
    if choices.in_256(1):
        shown = report.render(document, choices.one_of(["html", "svg"]))
    elif choices.in_256(64):
        shown = report.render(document, choices.one_of(names))
    else:
        shown = to_text(document) + cells_text(document)
    assert not UNSAFE.search(shown.replace("\t", " "))


def leftover(choices: Choices, folder: Path) -> None:
    """What a killed process may have left."""
    lines = []
    for _ in range(1 + choices.below(3)):
        text = json.dumps(broken(choices, choices.one_of(samples.LEFTOVER)))
        lines.append(text[: len(text) - choices.below(len(text) if choices.in_256(32) else 1)])
    content = "\n".join(lines).encode("utf-8", "surrogatepass") + choices.take(9)
    for end in ("jsonl", "unfinished"):
        (folder / f"leftover-x.{end}").unlink(missing_ok=True)
    end = choices.one_of(("jsonl", "unfinished"))
    (folder / f"leftover-x.{end}").write_bytes(content)
    for _, rows in leftovers(folder):
        assert all(row.table in ("session", "cell") for row in rows)


def place(choices: Choices, folder: Path) -> None:
    """A name that somebody types, and evidence that somebody left."""
    typed = choices.one_of(ODD_TEXTS) if choices.in_256(64) else choices.text()
    try:
        TABLE.find(typed)
    except UsageError as refusal:
        assert len(str(refusal).splitlines()) == 1
    if choices.in_256(16):
        evidence = folder / "root/run/cloud-init/instance-data.json"
        evidence.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(broken(choices, samples.CLOUD))
        evidence.write_text(text, "utf-8", "replace")
        assert locate(None, {"TZ": choices.text()}, TABLE, folder / "root").reason


READERS: Final[Mapping[str, Reader]] = {
    "request": request, "line": line, "powercap": powercap, "settings": settings, "notebook": notebook,
    "document": document, "leftover": leftover, "place": place,
}  # fmt: skip
NAMED: Final = ("request", "powercap", "settings", "notebook")
"""Those that must stand a million inputs together; the others get a tenth, as files are slow."""
CANARY: Final = "canary"
"""A reader that is broken in one odd place: a fuzzer that does not find it finds nothing."""


def canary(choices: Choices, _folder: Path) -> None:
    made = broken(choices, samples.NOTEBOOK)
    if isinstance(made, dict) and isinstance(made.get("cells"), dict) and made["cells"]:
        raise KeyError("a notebook whose cells have names")


def seeds(name: str) -> list[bytes]:
    """Good inputs to begin with: texts for readers of JSON, and choices by which to break one."""
    texts = {"notebook": samples.NOTEBOOK, "document": SHORT_SESSION}
    made = [bytes(range(start, 256, 7)) for start in range(7)]
    if name in texts:
        made.append(bytes([_RAW]) + json.dumps(texts[name]).encode())
    return made


def words() -> list[str]:
    """What stands in good inputs, for a fuzzer's dictionary."""
    found: set[str] = set(ODD_TEXTS) | {f'"{op}"' for op in OPS}

    def walk(item: Any) -> None:
        if isinstance(item, Mapping):
            found.update(f'"{name}":' for name in item)
            for inner in item.values():
                walk(inner)
        elif isinstance(item, list):
            for inner in item:
                walk(inner)
        else:
            found.add(json.dumps(item))

    for sample in (samples.NOTEBOOK, SHORT_SESSION, samples.REQUEST):
        walk(sample)
    return sorted(word for word in found if 0 < len(word) < 60)
