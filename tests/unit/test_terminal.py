"""What is printed where not every letter is known: spelled in ASCII, and nothing ever fails."""

from __future__ import annotations

import codecs
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.report.terminal import printable, say
from tests_support import FIXTURES

SESSION = FIXTURES / "session.json"
LANGUAGES = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "latin-1, strict": {"PYTHONIOENCODING": "latin-1:strict"},
    "ascii, strict": {"PYTHONIOENCODING": "ascii:strict"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "no locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("≈\u202f3.4\u202fmWh ± 20\u202f%", "~ 3.4 mWh +/- 20 %"),
        ("≥ 1 – 2 − 3 · CO₂e × 4 …", ">= 1 - 2 - 3 - CO2e x 4 ..."),
        ("µWh ↳ ▸ “é” Größe Łódź", 'uWh > > "e" Grosse Lodz'),
        ("训练 👩\u200d🔬 ☕\ufe0f", "?? ?? ?"),
    ],
)
def test_signs_and_letters_have_ascii_that_looks_like_them(text: str, shown: str) -> None:
    """What has none is a question mark."""
    assert printable(text, stream("ascii")) == shown


def test_what_an_encoding_has_stays() -> None:
    """Only what is missing is replaced."""
    assert printable("3 µWh ± 2 – ≈ é", stream("cp1252")) == "3 µWh ± 2 – ~ é"
    assert printable("3 µWh ± 2 – ≈ é", stream("utf-8")) == "3 µWh ± 2 – ≈ é"


class Odd:
    """Something that somebody put in the place of stdout."""

    def __init__(self, encoding: object) -> None:
        self.encoding = encoding
        self.written = ""

    def write(self, text: str) -> int:
        self.written += text
        return len(text)


class Bare:
    """The least that print needs."""

    written = ""

    def write(self, text: str) -> None:
        self.written += text


class Narrow(Bare):
    """Takes ASCII, and does not tell."""

    def write(self, text: str) -> None:
        text.encode("ascii")
        super().write(text)


@pytest.mark.parametrize("encoding", [None, "no-such-encoding", 7, "", "utf-8", "ascii"])
def test_any_stdout_takes_what_is_said(encoding: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one with an encoding that is none."""
    odd = Odd(encoding)
    monkeypatch.setattr(sys, "stdout", odd)

    say("≈ 3 Wh")

    assert odd.written in ("≈ 3 Wh\n", "~ 3 Wh\n")


def test_a_stdout_that_tells_nothing_takes_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, or what it can; and none at all is no fault either."""
    bare, narrow, raw = Bare(), Narrow(), io.BytesIO()
    for one in (bare, narrow, codecs.getwriter("ascii")(raw), None):
        monkeypatch.setattr(sys, "stdout", one)
        say("≈ 3 Wh")

    assert bare.written == "≈ 3 Wh\n"
    assert narrow.written == "~ 3 Wh\n"
    assert raw.getvalue() == b"~ 3 Wh\n"


@given(
    st.text(), st.sampled_from(["ascii", "cp1252", "latin-1", "cp437", "utf-8", "utf-16", "cp037"])
)
def test_no_text_fails_in_any_encoding(text: str, encoding: str) -> None:
    """Whatever it is."""
    out = stream(encoding)
    say(text, out)
    out.flush()


COMMANDS = [
    ["--help"], ["report", "--help"], ["doctor"], ["zones"], ["zones", "--json", "côte"], ["history"],
    ["history", "--json"], ["report", str(SESSION)],
    *(["report", str(SESSION), "--as", name] for name in ("json", "md", "latex", "ai-act", "svg")),
    ["report", "größe-训练.json"], ["zones", "Größe"],
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_command_fails_where_few_letters_are_known(language: str, tmp_path: Path) -> None:
    """Each prints; a mistake is one line."""
    program = (
        "import json, sys\nfrom greencell.cli import main\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    try:\n        code = main(arguments)\n"
        "    except SystemExit as end:\n        code = end.code\n"
        "    assert code in (0, 1), arguments\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(COMMANDS)], capture_output=True, check=False,
        env={**os.environ, **LANGUAGES[language], "GREENCELL_DATA_DIR": str(tmp_path)}, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr.decode("ascii", "replace")
    assert b"Traceback" not in done.stderr
    assert b"CO2e" in done.stdout


NOTEBOOK = r"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
results = [shell.run_cell(code) for code in (
    "%load_ext greencell", "%greencell label Größe-训练", "sum(range(10**6))", "%greencell",
    "%greencell cells", "%greencell status", "%greencell sources", "%greencell zone FR",
    "%greencell compare-zones PL NO", "%greencell footprint --cells", "%greencell equivalents",
    "%greencell statement sci", "%greencell history", "%greencell nonsense-训练", "%greencell help",
    "%greencell export größe-训练.json", "%energy -n 1 -r 2 sum(range(10**5))",
    "import greencell\nwith greencell.measure('Größe-训练') as m:\n    sum(range(10**6))", "m", "print(repr(m))",
    "%unload_ext greencell",
)]
assert all(result.success for result in results), [result.info.raw_cell for result in results if not result.success]
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_magic_fails_where_few_letters_are_known(language: str, tmp_path: Path) -> None:
    """From loading to unloading, and what a measured block shows of itself."""
    program = tmp_path / "program.py"
    program.write_text(NOTEBOOK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, check=False,
        cwd=tmp_path, timeout=120,
        env={**os.environ, **LANGUAGES[language], "GREENCELL_DATA_DIR": str(tmp_path / "data"),
             "IPYTHONDIR": str(tmp_path / "ipython")},
    )  # fmt: skip

    shown = done.stdout.decode("latin-1")
    assert done.returncode == 0, done.stderr.decode("ascii", "replace")[-2_000:] + shown[-2_000:]
    assert "UnicodeEncodeError" not in shown
    assert shown.startswith("greencell: ") and "did not start" not in shown
    assert "Gro" in shown or "Gr\xf6" in shown or language == "cp437"
