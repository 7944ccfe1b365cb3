"""Gives every reader of ours inputs that nobody meant, by the million.

    python scripts/fuzz.py [--inputs 1000000] [--seed N]      or: make fuzz

Inputs are made from a seed by a plain random generator: good ones of each kind, broken in a few
places, and some that are noise from the start. A reader may refuse in the way that it promises;
anything else is a problem, printed with the seed that brings it back.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import string
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from greencell import report
from greencell.carbon.grid_table import GridTable
from greencell.carbon.location import locate
from greencell.errors import ReadFailed, SourceUnavailable, UsageError
from greencell.history.leftover import leftovers
from greencell.report.shape import UNSAFE, legible
from greencell.settings import read_settings
from greencell.sources.powercap import readable_zones
from greencell.sources.sysfs_file import open_readonly, parse_number
from greencell.wire import OPS, BadRequest, decode_request

ROOT = Path(__file__).resolve().parent.parent
SAMPLE: dict[str, Any] = json.loads((ROOT / "tests/fixtures/session.json").read_text("utf-8"))
TABLE = GridTable()
Reader = Callable[[random.Random, Path], None]
ODD_TEXTS = (
    "", " ", "\0", "\x1b[2J", "\u202e", "\ud800", "=1+1", "<script>", "../../x", "__proto__", "nan",
    "1e999", "-0", "9" * 400, "é" * 300, "FR", "aws:eu-west-3", "a\nb", "null", "%s%n", "\uffff",
)  # fmt: skip
ODD_NUMBERS = (
    0, -1, 1, 2**31, 2**64, -(2**63), 10**400, 1e308, -1e308, 5e-324, float("nan"), float("inf"),
    float("-inf"), 0.1, True,
)  # fmt: skip


def value(rng: random.Random, depth: int = 3) -> Any:
    """Anything that JSON or Python may bring."""
    kind = rng.randrange(8 if depth else 5)
    if kind == 0:
        return rng.choice(ODD_TEXTS)
    if kind == 1:
        return rng.choice(ODD_NUMBERS)
    if kind == 2:
        return rng.choice((None, True, False))
    if kind == 3:
        return "".join(rng.choices(string.printable, k=rng.randrange(30)))
    if kind == 4:
        return rng.uniform(-1e6, 1e6)
    if kind == 5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {str(value(rng, 0)): value(rng, depth - 1) for _ in range(rng.randrange(4))}


def broken(rng: random.Random, good: Any) -> Any:
    """A good value with something wrong in one place."""
    if isinstance(good, dict) and good and rng.random() < 0.9:
        name = rng.choice(list(good))
        changed = dict(good)
        if rng.random() < 0.15:
            del changed[name]
        else:
            changed[name] = broken(rng, good[name])
        return changed
    if isinstance(good, list) and good and rng.random() < 0.9:
        changed_list = list(good)
        index = rng.randrange(len(good))
        changed_list[index] = broken(rng, good[index])
        return changed_list
    return value(rng)


# -- readers -----------------------------------------------------------------------------------


def request(rng: random.Random, _folder: Path) -> None:
    """The wire decoder."""
    good = {"wire": 1, "op": rng.choice(OPS), "zone": "FR", "format": "csv", "zones": "FR DE"}
    try:
        decode_request(broken(rng, good) if rng.random() < 0.8 else value(rng))
    except BadRequest as refusal:
        assert len(str(refusal).splitlines()) == 1


def counter(rng: random.Random, _folder: Path) -> None:
    """A number of the powercap tree."""
    if rng.random() < 0.5:
        text = str(rng.choice(ODD_NUMBERS)).encode() + rng.choice((b"", b"\n", b"\0", b" 7"))
    else:
        text = rng.randbytes(rng.randrange(40))
    try:
        assert parse_number(text, "energy_uj") >= 0
    except ReadFailed as failure:
        assert len(str(failure).splitlines()) <= 1


def tree(rng: random.Random, folder: Path) -> None:
    """A powercap tree whose folders and files are anything."""
    root = folder / f"tree-{rng.randrange(1 << 40)}"
    zones = root / "class/powercap"
    for _ in range(rng.randrange(5)):
        name = rng.choice(
            (
                "intel-rapl:0",
                "intel-rapl:0:1",
                "intel-rapl-mmio:0",
                "intel-rapl:9:9:9",
                "x",
                "intel-rapl:",
            )
        )
        (zones / name).mkdir(parents=True, exist_ok=True)
        for file in ("name", "energy_uj", "max_energy_range_uj"):
            if rng.random() < 0.7:
                content = rng.choice(
                    (b"package-0\n", b"dram", b"psys\n", b"123\n", rng.randbytes(20))
                )
                (zones / name / file).write_bytes(content)
    try:
        readable_zones([root], open_readonly, container=False)
    except SourceUnavailable as reason:
        assert str(reason)


def settings(rng: random.Random, _folder: Path) -> None:
    """Environment and configuration."""
    names = ("ZONE", "INTENSITY_G_PER_KWH", "PUE", "INTERVAL_S", "HISTORY", "INTENSITY_PROVIDER",
             "INTENSITY_PROVIDER_URL", "DATA_DIR", "CPU_TDP_W", "CPU_VCPUS_SHARED", "SYSFS_ROOT",
             "HISTORY_MAX_DAYS")  # fmt: skip
    environment = {f"GREENCELL_{rng.choice(names)}": str(value(rng, 0)) for _ in range(3)}
    config = {rng.choice(("zone", "pue", "interval_s", "nonsense")): value(rng)}
    read = read_settings(environment, config)
    assert 1.0 <= (read.settings.pue or 1.0) <= 5.0
    assert 0.1 <= read.settings.interval_s <= 30.0
    assert all(line.startswith("greencell: ") for line in read.problems)


def document(rng: random.Random, _folder: Path) -> None:
    """A session file, and now and then all that is made of it."""
    made = broken(rng, copy.deepcopy(SAMPLE))
    try:
        legible(made)
        if rng.random() < 0.02:
            for name in report.FORMATS:
                if name != "json":  # it is the document itself
                    assert not UNSAFE.search(report.render(made, name).replace("\t", " "))
    except UsageError as refusal:
        assert len(str(refusal).splitlines()) == 1


def leftover(rng: random.Random, folder: Path) -> None:
    """What a killed process may have left."""
    path = folder / "leftover-x.jsonl"
    lines = [json.dumps(["cell", {"run": "r", "number": 1}])]
    for _ in range(rng.randrange(4)):
        text = json.dumps(broken(rng, ["session", {"id": "s"}]))
        lines.append(text[: rng.randrange(len(text) + 1)])
    path.write_bytes(
        "\n".join(lines).encode("utf-8", "surrogatepass") + rng.randbytes(rng.randrange(9))
    )
    for _, rows in leftovers(folder):
        assert all(row.table in ("session", "cell") for row in rows)


def place(rng: random.Random, folder: Path) -> None:
    """A name that somebody types, and evidence that somebody left."""
    try:
        TABLE.find(str(value(rng, 0)))
    except UsageError as refusal:
        assert len(str(refusal).splitlines()) == 1
    if rng.random() < 0.05:
        root = folder / "root"
        (root / "run/cloud-init").mkdir(parents=True, exist_ok=True)
        good = {
            "v1": {"cloud_name": "aws", "region": "eu-west-3", "availability_zone": "eu-west-3a"}
        }
        text = json.dumps(broken(rng, good))
        (root / "run/cloud-init/instance-data.json").write_text(text, "utf-8", "replace")
        assert locate(None, {"TZ": str(value(rng, 0))}, TABLE, root).reason


READERS: Mapping[str, Reader] = {
    "request": request, "counter": counter, "settings": settings, "document": document,
    "place": place, "leftover": leftover, "tree": tree,
}  # fmt: skip
WEIGHTS = {
    "request": 40,
    "counter": 30,
    "settings": 12,
    "document": 12,
    "place": 4,
    "leftover": 1,
    "tree": 1,
}
"""Files cost a hundred times what a text does."""


def fuzz(
    inputs: int, seed: int, folder: Path, readers: Mapping[str, Reader] = READERS
) -> list[str]:
    """The problems that so many inputs bring, each once; at most twenty."""
    names = list(readers)
    choose = random.Random(seed).choices(names, [WEIGHTS.get(n, 1) for n in names], k=inputs)
    problems: dict[str, str] = {}
    for index, name in enumerate(choose):
        rng = random.Random(f"{seed}:{index}")
        try:
            readers[name](rng, folder)
        except Exception as error:  # noqa: BLE001  # whatever comes is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{name}: {type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
            problems.setdefault(what, f"{what}: {error!s:.200} (seed {seed}:{index})")
            if len(problems) >= 20:
                break
    return list(problems.values())


def main() -> int:
    """1 if any reader broke."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        problems = fuzz(options.inputs, options.seed, Path(folder))
    seconds = time.monotonic() - began_s
    print(f"{options.inputs:,} inputs in {seconds:.0f} s, {len(problems)} problems")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
