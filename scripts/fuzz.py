"""Gives every reader of ours inputs that nobody meant, a million of them by default.

    make fuzz                                          or: python scripts/fuzz.py
    make fuzz FUZZ_ARGS="--runs 5000 --only notebook"

atheris (coverage-guided) varies the bytes from which ``tests/fuzzing`` makes inputs. What it finds
on the way is kept in .fuzz/READER, and the next time begins there. A problem ends its reader; the
input that brings it lies in .fuzz, and the command that tries it again is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".fuzz"
ONE = Path("scripts/fuzz_one.py")
MEMORY = Path("/dev/shm")
"""Readers of files are ten times as quick where no disk is behind them."""
CANARY_RUNS = 100_000
"""It is found within a few thousand."""
_PROGRESS = re.compile(r"^#(\d+)\s.*cov: (\d+) ft: (\d+)", re.MULTILINE)
_PROBLEM = re.compile(r"=== Uncaught Python exception: ===\n(.*)")
_INPUT = re.compile(r"Test unit written to (\S+)")


@dataclass(frozen=True)
class Outcome:
    """What came of a reader.

    Attributes:
        coverage: places of our code that inputs reached, ``features`` with how often.
        problem: what broke, in a few lines; empty if nothing did.
        input: the file that brings it back.
    """

    inputs: int
    seconds: float
    coverage: int
    features: int
    problem: str = ""
    input: str = ""


def fuzz(name: str, runs: int, seed: int) -> Outcome:
    """One reader in a process of its own."""
    from fuzzing.readers import seeds, words

    corpus = KEPT / name
    corpus.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(seeds(name)):
        (corpus / f"seed-{index}").write_bytes(data)
    dictionary = KEPT / "words.dict"
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in words()), "ascii")
    options = [
        f"-runs={runs}", f"-seed={seed}", "-max_len=4096", "-timeout=20", f"-dict={dictionary}",
        f"-artifact_prefix={KEPT}/{name}-", "-print_final_stats=1", str(corpus),
    ]  # fmt: skip
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        ended = subprocess.run(
            [sys.executable, ONE, name, *options], cwd=ROOT, check=False, text=True,
            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": folder},
        )  # fmt: skip
    return _outcome(ended.returncode, ended.stdout, time.monotonic() - began_s)


def _outcome(code: int, told: str, seconds: float) -> Outcome:
    inputs, coverage, features = ([(0, 0, 0), *_numbers(told)])[-1]
    if code == 0:
        return Outcome(inputs, seconds, coverage, features)
    # libFuzzer's own problems (too slow, too much memory) have no exception.
    problem, input_ = _PROBLEM.search(told), _INPUT.search(told)
    words = told[problem.start(1) :][:3_000] if problem else told[-3_000:]
    words = words.split("==", 1)[0].rstrip() if problem else words
    return Outcome(inputs, seconds, coverage, features, words, input_[1] if input_ else "")


def _numbers(told: str) -> list[tuple[int, int, int]]:
    return [(int(a), int(b), int(c)) for a, b, c in _PROGRESS.findall(told)]


def _escaped(word: str) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02X}" for byte in word.encode("utf-8", "surrogatepass"))


def main() -> int:
    """1 if any reader broke, or if the fuzzer is blind."""
    from fuzzing.readers import CANARY, NAMED, READERS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=250_000,
                        help=f"inputs for each of {', '.join(NAMED)}; a tenth for the others")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(READERS), action="append")
    options = parser.parse_args()
    seen = fuzz(CANARY, CANARY_RUNS, options.seed)
    if not seen.input:
        print(
            "the fuzzer does not find what is broken on purpose (tests/fuzzing/readers.py, canary)"
        )
        return 1
    Path(seen.input).unlink()
    outcomes = {}
    for name in options.only or READERS:
        runs = options.runs if name in NAMED else max(1, options.runs // 10)
        outcomes[name] = one = fuzz(name, runs, options.seed)
        print(f"{name:10} {one.inputs:>9,} inputs in {one.seconds:4.0f} s, {one.coverage} places "
              f"of our code, {one.features} features{', BROKEN' if one.problem else ''}", flush=True)  # fmt: skip
        if one.problem:
            print(f"{one.problem}\nagain: {sys.executable} {ONE} {name} {one.input}", flush=True)
    found = sum(1 for one in outcomes.values() if one.problem)
    total = sum(one.inputs for one in outcomes.values())
    seconds = sum(one.seconds for one in outcomes.values())
    print(f"{total:,} inputs in {seconds:.0f} s, {found} readers with a problem")
    return 1 if found else 0


if __name__ == "__main__":
    if importlib.util.find_spec("atheris") is None:
        sys.exit(
            "fuzzing needs atheris, which is there for Linux on x86-64 with CPython 3.11 to 3.13"
        )
    sys.path.insert(0, str(ROOT / "tests"))
    sys.exit(main())
