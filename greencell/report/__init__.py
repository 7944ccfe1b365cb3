"""Reports: the session document in each format. No arithmetic on energies here but scaling.

``render`` makes the text, ``write`` puts it into a file. A format is a function from the
document to text; adding one touches its file and one line of ``FORMATS``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from greencell.errors import UsageError
from greencell.report.data_formats import to_csv, to_json
from greencell.report.html_format import to_html
from greencell.report.statements import to_tex, to_yaml
from greencell.report.text_formats import to_markdown

Document = Mapping[str, Any]

FORMATS: Mapping[str, Callable[[Document], str]] = {
    "json": to_json,
    "csv": to_csv,
    "md": to_markdown,
    "html": to_html,
    "tex": to_tex,
    "yaml": to_yaml,
}


def render(document: Document, name: str) -> str:
    """The document as text in the format ``name``.

    Raises:
        UsageError: there is no such format.
    """
    make = FORMATS.get(name.lower().lstrip("."))
    if make is None:
        raise UsageError(f"Unknown format {name[:20]!r}; choose one of {', '.join(FORMATS)}.")
    return make(document)


def write(document: Document, path: Path, *, force: bool = False) -> Path:
    """Write the document to ``path`` in the format of its suffix, whole or not at all.

    Raises:
        UsageError: unknown suffix, no such folder, existing file without ``force``, or a place
            that cannot be written.
    """
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path} names a home folder that does not exist.") from error
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give a file name such as {path / 'session.json'}.")
    if not path.suffix:
        suffixes = " ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"{path} has no suffix to tell the format; use one of {suffixes}.")
    if not path.parent.is_dir():
        raise UsageError(f"The folder {path.parent} does not exist; create it first.")
    if path.exists() and not force:
        raise UsageError(f"{path} exists; add --force to replace it.")
    text = render(document, path.suffix)
    try:
        _write_whole(path, text, force=force)
    except FileExistsError as error:
        raise UsageError(f"{path} exists; add --force to replace it.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def _write_whole(path: Path, text: str, *, force: bool) -> None:
    handle, name = tempfile.mkstemp(prefix=".greencell-", dir=path.parent)
    temporary = Path(name)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        temporary.chmod(0o666 & ~_umask())
        if not force:
            # Fails if the file has come into being meanwhile, where a rename would replace it.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
