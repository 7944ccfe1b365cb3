"""Runs the test suites of ipykernel and jupyter_kernel_test, with and without greencell loaded.

    make suites      SUITES_ARGS="--folder DIR --only ipykernel --tests test_kernel.py"

Both are strict clients that never ask greencell anything. They come from the registry, at the
versions that lie beside greencell here, into a throw-away environment; greencell is loaded by the
IPython profile, as a user would autoload it. What fails must be the same without it: a test whose
outcome differs is run again, alone and up to three times on each side, before it is named.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".tools" / "bin" / "uv"
PIP = [str(ROOT / ".tools" / "bin" / "python"), "-m", "pip"]
AUTOLOAD = 'c.InteractiveShellApp.extensions = ["greencell"]\n'
TELLING = """import json, os
found = {}
def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        found[report.nodeid] = report.outcome if report.when == "call" else f"{report.outcome} at {report.when}"
def pytest_sessionfinish():
    with open(os.environ["RESULTS"], "w") as file:
        json.dump(found, file)
"""
IS_LOADED = """from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
asked = {"loaded": "hasattr(get_ipython(), '_greencell_extension')"}
reply = client.execute("", user_expressions=asked, reply=True, timeout=60)
client.stop_channels()
manager.shutdown_kernel(now=True)
print(reply["content"]["user_expressions"]["loaded"]["data"]["text/plain"])
"""
LOOPS = ("-o", "asyncio_default_fixture_loop_scope=function")
"""Said, because pytest-asyncio warns where it is not, and the suite takes warnings for errors."""
PATIENCE_S = 1_800
AGAIN = 3
Side = Literal["bare", "greencell"]
SIDES: tuple[Side, Side] = ("bare", "greencell")
Outcomes = dict[str, str]


@dataclass(frozen=True)
class Suite:
    """A test suite in a folder of its own."""

    name: str
    folder: Path
    tests: str


def main() -> int:
    """0 if both sides fail in the same tests."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="where to put the environment, to keep it")
    parser.add_argument("--only", choices=("ipykernel", "jupyter_kernel_test"))
    parser.add_argument("--tests", help="a file or test of the suite, instead of all of it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as throw_away:
        folder = (options.folder or Path(throw_away)).resolve()
        python = environment(folder)
        for side in SIDES:
            check(python, folder, side)
        suites = [suite for suite in brought(folder) if options.only in (None, suite.name)]
        differing = [compare(suite, python, folder, options.tests) for suite in suites]
    return 1 if any(differing) else 0


def environment(folder: Path) -> Path:
    """The python of an environment with both suites' needs and this tree of greencell."""
    python = folder / "venv" / "bin" / "python"
    if python.exists():
        return python
    call(str(UV), "venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    beside = [
        f"{name}=={importlib.metadata.version(name)}"
        for name in ("ipykernel", "ipython", "jupyter-client")
    ]
    call(
        str(UV), "pip", "install", "--quiet", "--python", str(python), "-r", str(ROOT / "pyproject.toml"),
        *beside, "jupyter_kernel_test", "pytest>=7,<10", "pytest-asyncio", "pytest-timeout", "pytest-cov", "flaky",
        "matplotlib", "trio",
    )  # fmt: skip
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "greencell-tree.pth").write_text(f"{ROOT}\n")
    return python


def brought(folder: Path) -> list[Suite]:
    """Both suites, unpacked from their source distributions: their wheels hold no tests."""
    suites = []
    for name, tests in (("ipykernel", "tests"), ("jupyter_kernel_test", "test_ipykernel.py")):
        into = folder / name
        if not into.exists():
            at = f"=={importlib.metadata.version(name)}" if name == "ipykernel" else ""
            call(
                *PIP,
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                name,
                "--dest",
                str(folder),
                name + at,
            )
            (archive,) = folder.glob(f"{name}-*.tar.gz")
            with tarfile.open(archive) as packed:
                for member in packed.getmembers():
                    # Only the tests and how they are run: the package itself is installed.
                    member.name = member.name.partition("/")[2]
                    if member.name.startswith(tests) or member.name == "pyproject.toml":
                        packed.extract(member, into, filter="data")
        suites.append(Suite(name, into, tests))
    return suites


def compare(suite: Suite, python: Path, folder: Path, only: str | None) -> int:
    """How many tests end otherwise with greencell; all of them are printed."""
    tests = (
        [f"{suite.tests}/{only}" if suite.name == "ipykernel" else only] if only else [suite.tests]
    )
    bare, loaded = (outcomes(suite, python, folder, side, tests) for side in SIDES)
    differing = sorted(
        test for test in bare.keys() | loaded.keys() if bare.get(test) != loaded.get(test)
    )
    print(
        f"{suite.name}: {told(bare)} without greencell; {told(loaded)} with it; {len(differing)} differ"
    )
    kept = 0
    for test in differing:
        seen = {"bare": [bare.get(test, "missing")], "greencell": [loaded.get(test, "missing")]}
        same = agree(suite, python, folder, test, seen)
        kept += not same
        verdict = "comes and goes on both sides" if same else "DIFFERS"
        print(
            f"  {test}: {', '.join(seen['bare'])} without; {', '.join(seen['greencell'])} with: {verdict}"
        )
    print(f"{suite.name}: {kept} tests end otherwise with greencell")
    return kept


def agree(suite: Suite, python: Path, folder: Path, test: str, seen: dict[str, list[str]]) -> bool:
    """Whether a test that runs alone, a few times on each side, ends the same on both once."""
    for _ in range(AGAIN):
        for side in SIDES:
            seen[side].append(outcomes(suite, python, folder, side, [test]).get(test, "missing"))
        if set(seen["bare"]) & set(seen["greencell"]) - {"missing"}:
            return True
    return False


def outcomes(suite: Suite, python: Path, folder: Path, side: Side, tests: list[str]) -> Outcomes:
    """How each test ended, by its name for pytest."""
    (folder / "telling.py").write_text(TELLING)
    results = folder / "results.json"
    results.unlink(missing_ok=True)
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "telling", *LOOPS, *tests],
        cwd=suite.folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env=variables(folder, side) | {"PYTHONPATH": str(folder), "RESULTS": str(results)},
    )  # fmt: skip
    if not results.exists():
        sys.exit(f"{suite.name} did not run:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    if tests == [suite.tests]:
        (folder / f"{suite.name}-{side}.log").write_text(done.stdout)
    found: Outcomes = json.loads(results.read_text())
    return found


def variables(folder: Path, side: Side) -> dict[str, str]:
    """An environment whose IPython profile loads greencell, or does not."""
    profile = folder / f"ipython-{side}"
    (profile / "profile_default").mkdir(parents=True, exist_ok=True)
    config = profile / "profile_default" / "ipython_config.py"
    config.write_text(AUTOLOAD if side == "greencell" else "")
    data = str(folder / "data")
    return {**os.environ, "IPYTHONDIR": str(profile), "GREENCELL_DATA_DIR": data}


def check(python: Path, folder: Path, side: Side) -> None:
    """A side that is not what it is said to be would agree with the other one for nothing."""
    done = subprocess.run(
        [str(python), "-c", IS_LOADED], env=variables(folder, side), capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.stdout.split() != [str(side == "greencell")]:
        sys.exit(f"the kernel of {side}: {done.stdout} {done.stderr[-2000:]}")


def told(found: Outcomes) -> str:
    """How many of each outcome."""
    words = sorted(set(found.values()))
    return ", ".join(f"{list(found.values()).count(word)} {word}" for word in words)


def call(*command: str) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} …: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
