"""The file of an export: whole or not at all, and as private as the one that it replaces."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from greencell.errors import UsageError
from greencell.report.terminal import one_line

_NEW_MODE: Final = 0o666
"""Of a new file; the umask takes from it. Asking for the umask would mean to set it, for every
thread of the kernel."""
_PRIVATE_MODE: Final = 0o600
_OF_DEVICES: Final = ("/dev", "/dev/fd")
_OF_PROCESSES: Final = "/proc/"
_ACCESS_LIST: Final = "system.posix_acl_access"
_KINDS: Final = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def export_path(given: str | Path) -> Path:
    """The path of a file that may be written, as it was given; ``~`` is the home folder.

    Raises:
        UsageError: there can be no such file.
    """
    shown = one_line(str(given))
    if os.path.basename(given) in ("", os.curdir, os.pardir):  # Path drops the end
        raise _folder(shown, Path(given))
    try:
        path = Path(given).expanduser()
        os.lstat(path)
    except FileNotFoundError:
        return path
    except RuntimeError as error:
        raise UsageError(f"{shown} names a home folder that does not exist.") from error
    except NotADirectoryError as error:
        raise UsageError(f"{one_line(str(path.parent))} is no folder.") from error
    except (OSError, ValueError) as error:
        raise cannot(shown, error) from error
    return path


def replaced(path: Path, *, force: bool) -> os.stat_result | None:
    """What a new file at this path replaces, a link by what it leads to; ``None``: nothing.

    Raises:
        UsageError: what is there is no file, or is not to be replaced.
    """
    shown = one_line(str(path))
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            with contextlib.suppress(OSError):  # one that leads nowhere is only a link
                found = path.stat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise cannot(shown, error) from error
    if stat.S_ISDIR(found.st_mode):
        raise _folder(shown, path)
    if _is_of_the_system(path):
        raise UsageError(f"{shown} is the system's own, which an export does not replace.")
    for is_kind, name in _KINDS:
        if is_kind(found.st_mode):
            raise UsageError(f"{shown} is {name}, which an export does not replace; name a file.")
    if not force:
        raise UsageError(f"{shown} exists; add --force to replace it.")
    return found


def _is_of_the_system(path: Path) -> bool:
    """Whether a name stands for something else: ``/dev/stdout`` is a link to where output goes."""
    folder = os.path.realpath(path.parent)
    return folder in _OF_DEVICES or folder.startswith(_OF_PROCESSES)


def write_whole(path: Path, text: str, former: os.stat_result | None, *, force: bool) -> None:
    """Put a text where nothing or ``former`` is; a link is replaced, not followed.

    Raises:
        UsageError: that cannot be done; what was there is still there.
    """
    shown = one_line(str(path))
    try:
        _write(path, text, former, force=force)
    except FileExistsError as error:
        raise UsageError(f"{shown} exists; add --force to replace it.") from error
    except (OSError, ValueError) as error:
        raise cannot(shown, error) from error


def cannot(shown: str, error: OSError | ValueError) -> UsageError:
    """A place that cannot be written, and why, in one line."""
    reason = error.strerror if isinstance(error, OSError) else "no file can have that name"
    return UsageError(f"{shown} cannot be written: {reason or type(error).__name__}.")


def _folder(shown: str, path: Path) -> UsageError:
    example = one_line(str(path / "session.json"))
    return UsageError(f"{shown} is a folder; give a file name such as {example}.")


def _write(path: Path, text: str, former: os.stat_result | None, *, force: bool) -> None:
    # A name that nobody can foresee.
    temporary = path.with_name(f".greencell-{os.urandom(8).hex()}")
    mode = _NEW_MODE if former is None else _PRIVATE_MODE
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            if former is not None and os.name == "posix":
                _open_as_before(handle, path, former)
            file.write(text)
        if force:
            temporary.replace(path)
        else:
            _move_to_free(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _open_as_before(handle: int, path: Path, former: os.stat_result) -> None:
    """Give a file the owner, the group and the mode of the former one; nobody gains anything."""
    mode = stat.S_IMODE(former.st_mode) & 0o777
    with contextlib.suppress(OSError):  # only root gives files away
        os.fchown(handle, former.st_uid, -1)
    try:
        os.fchown(handle, -1, former.st_gid)
    except OSError:
        # Another group must not get what that one had.
        mode = mode & ~0o070 | mode & 0o070 & (mode & 0o007) << 3
    if hasattr(os, "getxattr"):
        _keep_access_list(handle, path)
    os.fchmod(handle, mode)


def _keep_access_list(handle: int, path: Path) -> None:
    """Where there is a list of who may, the mode's group is its mask, and says too much by itself.

    A folder may give each new file such a list, which the former one need not have had.
    """
    try:
        access = os.getxattr(path, _ACCESS_LIST)
    except OSError:
        with contextlib.suppress(OSError):
            os.removexattr(handle, _ACCESS_LIST)
    else:
        with contextlib.suppress(OSError):
            os.setxattr(handle, _ACCESS_LIST, access)


def _move_to_free(temporary: Path, path: Path) -> None:
    """Move a file to a name that nobody has.

    Raises:
        FileExistsError: somebody has it by now; a rename would replace that.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except (OSError, AttributeError, NotImplementedError):  # a file system without second names
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            temporary.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
