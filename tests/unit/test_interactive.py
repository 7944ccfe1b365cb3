"""greencell speaks where somebody sits and reads: never into the output of a script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AUTOLOAD = "c = get_config()\nc.InteractiveShellApp.extensions = ['greencell']\n"
BY_A_LINE = "c = get_config()\nc.InteractiveShellApp.exec_lines = ['%load_ext greencell']\n"


def ipython(
    folder: Path, arguments: list[str], config: str = AUTOLOAD, typed: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """IPython as a user starts it, with a profile of its own."""
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_config.py").write_text(config)
    (folder / "s.py").write_text("print('a,b')\n")
    return subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", *arguments], input=typed,
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "IPYTHONDIR": str(folder / "ipython"), "GREENCELL_HISTORY": "off",
             "GREENCELL_ZONE": "FR", **variables},
    )  # fmt: skip


SCRIPTS = [["s.py"], ["-c", "print('a,b')"], ["-m", "s"], ["--simple-prompt", "s.py"]]


@pytest.mark.parametrize("config", [AUTOLOAD, BY_A_LINE], ids=["extension", "line"])
@pytest.mark.parametrize("arguments", SCRIPTS, ids=" ".join)
def test_the_output_of_a_script_is_its_own(
    arguments: list[str], config: str, tmp_path: Path
) -> None:
    """Loaded by the profile, ``ipython s.py > out.csv`` holds what s.py printed and no more."""
    done = ipython(tmp_path, arguments, config)

    assert (done.stdout, done.stderr) == ("a,b\n", "")


def test_so_is_that_of_a_script_that_loads_it_itself(tmp_path: Path) -> None:
    """Without a word, as long as nothing is asked."""
    (tmp_path / "t.ipy").write_text("%load_ext greencell\nprint('a,b')\n")

    done = ipython(tmp_path, ["t.ipy"], "")

    assert (done.stdout, done.stderr) == ("a,b\n", "")


def test_a_bad_setting_of_a_script_is_told_beside_its_output(tmp_path: Path) -> None:
    """One line on stderr."""
    done = ipython(tmp_path, ["s.py"], GREENCELL_PUE="0")

    assert done.stdout == "a,b\n"
    (line,) = done.stderr.splitlines()
    assert line.startswith("greencell: GREENCELL_PUE='0' is not usable")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (
            "c.Greencell.zone = 'FR'",
            "c.Greencell is not read; the settings are those of c.GreenCell.",
        ),
        ("c.GreenCells.zone = 'FR'", "c.GreenCells is not read"),
        (
            "c.GreenCell.zon = 'FR'",
            "c.GreenCell.zon is not a setting; did you mean c.GreenCell.zone?",
        ),
    ],
)
def test_a_misspelt_section_of_the_configuration_is_told(
    section: str, words: str, tmp_path: Path
) -> None:
    """One line; all else goes on."""
    done = ipython(tmp_path, ["s.py"], f"{AUTOLOAD}{section}\n")

    assert done.stdout == "a,b\n"
    (line,) = done.stderr.splitlines()
    assert line.startswith("greencell: ") and words in line


def test_sections_of_others_are_not_complained_of(tmp_path: Path) -> None:
    """However green."""
    done = ipython(tmp_path, ["s.py"], f"{AUTOLOAD}c.Greenlet.x = 1\nc.GridCells.x = 1\n")

    assert (done.stdout, done.stderr) == ("a,b\n", "")


@pytest.mark.parametrize("arguments", [[], ["-i", "s.py"]], ids=["typed", "-i"])
def test_who_sits_at_a_terminal_is_greeted(arguments: list[str], tmp_path: Path) -> None:
    """Also where a file runs first; once."""
    done = ipython(tmp_path, ["--simple-prompt", *arguments], typed="1 + 1\nexit\n")

    greetings = [line for line in done.stdout.splitlines() if line.startswith("greencell: ")]
    assert len(greetings) == 1 and "France" in greetings[0], done.stdout


def test_what_is_asked_for_is_said_in_a_script_too(tmp_path: Path) -> None:
    """``%greencell`` in a file of IPython's."""
    (tmp_path / "t.ipy").write_text("%load_ext greencell\n%greencell help\n%unload_ext greencell\n")

    done = ipython(tmp_path, ["t.ipy"], "")

    assert done.stdout.startswith("%greencell ") and "export" in done.stdout
    assert done.stderr == ""
