"""The file of an export: what is refused, what is kept, and that no half of one is ever there."""

from __future__ import annotations

import json
import os
import resource
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from greencell import report
from greencell.cli import main
from greencell.errors import UsageError
from greencell.magics import Magics
from greencell.report import file as report_file
from tests_support import FIXTURES, Bench, long_document

SESSION = FIXTURES / "session.json"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


def folder(path: Path) -> None:
    path.mkdir()


KINDS = {"FIFO": fifo, "socket": listening, "device": device, "folder": folder}
Exporter = Callable[[Path, bool], str]


@pytest.fixture
def bench() -> Bench:
    bench = Bench.make("kernel")
    bench.cell(1.0)
    return bench


@pytest.fixture(params=["magic", "command", "session"])
def export(
    request: pytest.FixtureRequest, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> Exporter:
    """Exports to a path, by one of the three doors, and gives the line that was said."""

    def by_magic(path: Path, force: bool) -> str:
        magics = Magics(SimpleNamespace(session=bench.session), print)  # type: ignore[arg-type]
        magics.line(f'export "{path}" --as json{" --force" * force}')
        return capsys.readouterr().out

    def by_command(path: Path, force: bool) -> str:
        arguments = ["report", str(SESSION), "-o", str(path), "--as", "json"]
        main([*arguments, *["--force"] * force])
        said = capsys.readouterr()
        return said.out + said.err

    def by_session(path: Path, force: bool) -> str:
        try:
            return f"wrote {bench.session.export(str(path), force=force, form='json')}\n"
        except UsageError as refusal:
            return f"greencell: {refusal}\n"

    return {"magic": by_magic, "command": by_command, "session": by_session}[request.param]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_link", [False, True])
@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_file_is_refused_and_stays(
    kind: str, by_link: bool, force: bool, export: Exporter, tmp_path: Path
) -> None:
    """In one line that names it, also through a link; nobody waits for a reader of a pipe."""
    made = tmp_path / "it"
    KINDS[kind](made)
    before = os.stat(made)
    path = made
    if by_link:
        path = tmp_path / "link"
        path.symlink_to(made)

    line = export(path, force)

    assert line.startswith("greencell: ") and line.count("\n") == 1
    assert f"is a {kind}" in line
    after = os.stat(path)
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted({"it", path.name})


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o666, 0o604, 0o000])
def test_an_export_is_as_private_as_what_it_replaces(
    mode: int, export: Exporter, tmp_path: Path
) -> None:
    """Whatever the umask would make of a new file."""
    path = tmp_path / "out.json"
    path.write_text("former")
    path.chmod(mode)

    assert "wrote" in export(path, True)

    assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o600)
    assert json.loads(path.read_text())["schema"] == "greencell.session.v1"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_by_a_file_as_private_as_the_one_it_led_to(
    export: Exporter, tmp_path: Path
) -> None:
    """And that one stays as it is."""
    private = tmp_path / "private.json"
    private.write_text("mine")
    private.chmod(0o600)
    link = tmp_path / "out.json"
    link.symlink_to(private)

    assert "exists" in export(link, False)
    assert "wrote" in export(link, True)

    assert not link.is_symlink() and stat.S_IMODE(link.stat().st_mode) == 0o600
    assert private.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_an_export_belongs_to_whom_the_former_file_belonged(tmp_path: Path) -> None:
    """Owner and group are kept where that is allowed."""
    path = tmp_path / "out.json"
    path.write_text("former")
    os.chown(path, 1234, 2345)
    path.chmod(0o660)

    report.write(long_document(1), path, force=True)

    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, 0o660)


def test_a_list_of_who_may_is_kept_and_none_comes_from_the_folder(tmp_path: Path) -> None:
    """Where the folder gives each new file a list, the former file without one stays without."""
    reader = _access_list(user_reads=1234)
    plain, listed = tmp_path / "plain.json", tmp_path / "listed.json"
    for path in (plain, listed):
        path.write_text("former")
        path.chmod(0o640)
    try:
        os.setxattr(listed, "system.posix_acl_access", reader)
        os.setxattr(tmp_path, "system.posix_acl_default", reader)
    except OSError:
        pytest.skip("this file system has no lists of who may")

    for path in (plain, listed):
        report.write(long_document(1), path, force=True)

    assert "system.posix_acl_access" not in os.listxattr(plain)
    assert os.getxattr(listed, "system.posix_acl_access") == reader
    assert stat.S_IMODE(plain.stat().st_mode) == 0o640


def _access_list(user_reads: int) -> bytes:
    """As Linux keeps it: owner rw, one user r, group r, mask r, others nothing."""
    none = 0xFFFFFFFF
    entries = [
        (0x01, 6, none),
        (0x02, 4, user_reads),
        (0x04, 4, none),
        (0x10, 4, none),
        (0x20, 0, none),
    ]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


@pytest.mark.parametrize(("mode", "kept"), [(0o660, 0o600), (0o664, 0o644), (0o640, 0o600)])
def test_another_group_gains_nothing(
    mode: int, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the group cannot be kept, ours may no more than everybody."""

    def refused(*_: object) -> None:
        raise PermissionError

    path = tmp_path / "out.json"
    path.write_text("former")
    path.chmod(mode)
    monkeypatch.setattr(report_file.os, "fchown", refused)

    report.write(long_document(1), path, force=True)

    assert stat.S_IMODE(path.stat().st_mode) == kept


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 300 + ".json", "File name too long"),
        ("deep/" * 2_000 + "x.json", "File name too long"),
        ("nul\0.json", "no file can have that name"),
        ("half\ud800.json", "no file can have that name"),
        ("out.json/", "is a folder"),
        ("out.json/.", "is a folder"),
        ("..", "is a folder"),
        ("", "is a folder"),
        ("~nobody-of-that-name/x.json", "names a home folder that does not exist"),
        ("~nul\0/x.json", "no file can have that name"),
        ("a-file/x.json", "is no folder"),
        ("missing/x.json", "does not exist"),
        ("two\nlines\tand\x1b[31m.pdf", "Unknown format"),
        ("two\ngreencell: wrote x", "has no suffix"),
    ],
)
def test_a_name_that_no_file_can_have_is_one_line(
    name: str, words: str, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without force, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("mine")
    for force in (False, True):
        with pytest.raises(UsageError) as refusal:
            bench.session.export(name, force=force)
        line = str(refusal.value)
        assert words in line and line.isprintable() and len(line) < 300
    assert [p.name for p in tmp_path.iterdir()] == ["a-file"]


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="there is no such name here")
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/dev/null", "/proc/self/fd/1"])
def test_a_name_of_the_system_is_never_replaced(path: str, force: bool, tmp_path: Path) -> None:
    """Also where output goes to a file, and root asks."""
    before = os.lstat("/dev/stdout").st_ino
    with (tmp_path / "out").open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "greencell", "report", str(SESSION), "-o", path, "--as", "md",
             *["--force"] * force],
            stdout=out, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip

    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "an export does not replace" in done.stderr
    assert os.lstat("/dev/stdout").st_ino == before and (tmp_path / "out").read_text() == ""


NOBODY = 65_534


@pytest.mark.parametrize("name", ["former.json", "new.json"])
def test_a_folder_that_is_read_only_is_one_line(name: str, tmp_path: Path) -> None:
    """The former file stays."""
    place = tmp_path / "place"
    place.mkdir()
    (place / "former.json").write_text("former")
    for path in (place, *place.parents):  # whoever is asked below may come here
        if path.is_relative_to(tmp_path.parents[1]):
            path.chmod(0o755)
    place.chmod(0o555)

    is_root = os.geteuid() == 0  # who may write anywhere
    if is_root:
        os.seteuid(NOBODY)
    try:
        with pytest.raises(UsageError, match="cannot be written: Permission denied") as refusal:
            report.write(long_document(1), place / name, force=True)
    finally:
        if is_root:
            os.seteuid(0)

    assert str(refusal.value).isprintable()
    assert [p.name for p in place.iterdir()] == ["former.json"]
    assert (place / "former.json").read_text() == "former"


@pytest.mark.skipif(not os.path.exists("/proc/sys"), reason="needs a folder nobody may write")
def test_a_place_that_takes_no_files_is_one_line(export: Exporter) -> None:
    """Not even of root."""
    line = export(Path("/proc/sys/out.json"), False)

    assert "cannot be written" in line and line.count("\n") == 1


@pytest.mark.parametrize("exists", [False, True])
def test_on_a_full_disk_the_former_file_stays_whole(exists: bool, tmp_path: Path) -> None:
    """One line, and no half of a file; the limit of a process stands for the disk's."""
    path = tmp_path / "out.html"
    if exists:
        path.write_text("former")
    arguments = ["report", str(SESSION), "-o", str(path), *["--force"] * exists]

    done = subprocess.run(
        [sys.executable, "-m", "greencell", *arguments], capture_output=True, text=True,
        check=False, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000)),
    )  # fmt: skip

    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "cannot be written: File too large" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == (["out.html"] if exists else [])
    assert not exists or path.read_text() == "former"


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_came_into_being_meanwhile_stays(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file system knows no second names of a file."""
    if not links:

        def refused(*_: object) -> None:
            raise PermissionError

        monkeypatch.setattr(report_file.os, "link", refused)
    path = tmp_path / "out.json"
    report_file.write_whole(path, "first", None, force=False)
    assert path.read_text() == "first"

    with pytest.raises(UsageError, match="exists"):
        report_file.write_whole(path, "second", None, force=False)

    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]


PATHS = [
    (r"C:\Users\Jo\out.json", r"C:\Users\Jo\out.json"),
    (r'"C:\Users\Jo Smith\new.json"', r"C:\Users\Jo Smith\new.json"),
    (r"'C:\Users\Jo Smith\table.csv'", r"C:\Users\Jo Smith\table.csv"),
    (r"\\host\share$\out.json", r"\\host\share$\out.json"),
    (r"out\ put.json", "out put.json"),
    ("o'brien's.json", "o'brien's.json"),
    ("{name}-$name.json", "{name}-$name.json"),
    ("größe-训练.json", "größe-训练.json"),
    ("a=b.json", "a=b.json"),
]


@pytest.mark.parametrize(("typed", "name"), PATHS)
def test_an_export_goes_to_the_path_as_it_was_typed(
    typed: str, name: str, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Backslashes, quotes around spaces, apostrophes; on this system all of them are a name."""
    monkeypatch.chdir(tmp_path)
    magics = Magics(SimpleNamespace(session=bench.session), print)  # type: ignore[arg-type]

    magics.line(f"export {typed}")

    assert capsys.readouterr().out == f"greencell: wrote {name}\n"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_tilde_is_the_home_folder(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everywhere in a notebook."""
    monkeypatch.setenv("HOME", str(tmp_path))
    magics = Magics(SimpleNamespace(session=bench.session), print)  # type: ignore[arg-type]

    magics.line("export ~/out.json")

    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]


SHELL = r"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("%load_ext greencell\nname = 'fold 3'")
shell.run_cell("1 + 1")
shell.run_cell("%greencell export {name}-$name.json")
shell.run_cell("def f(inner):\n    get_ipython().run_line_magic('greencell', 'label {inner} {name}')\nf('x')")
shell.run_cell("2 + 2")
shell.run_cell("%greencell export labels.csv")
"""


def test_ipython_puts_variables_into_every_line_but_a_path(tmp_path: Path) -> None:
    """Labels are made in loops; a path is what was typed."""
    environment = {**os.environ, "GREENCELL_HISTORY": "off", "IPYTHONDIR": str(tmp_path / "i")}
    done = subprocess.run(
        [sys.executable, "-c", SHELL], env=environment, cwd=tmp_path, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "{name}-$name.json").exists(), done.stdout
    assert "x fold 3" in (tmp_path / "labels.csv").read_text()


def test_quotes_that_are_not_closed_are_one_line(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is written."""
    magics: Any = Magics(SimpleNamespace(session=bench.session), print)  # type: ignore[arg-type]
    for line in ('export "out.json', "export 'out.json --force", 'export out.json "'):
        magics.line(line)
        assert capsys.readouterr().out == (
            "greencell: That line does not parse: a quote is not closed.\n"
        )
