"""The words that pages say, the kernel's among them: what is said, translated, missing.

``python scripts/messages.py`` prints what the catalogues lack, as JSON to be filled in, and exits
with 1 if they lack anything; ``--add FILE LANGUAGE`` takes such a file in and drops what nobody says
any more.

A catalogue is what JupyterLab's server reads (entry point ``jupyterlab.locale``): keys are the English
words, behind their context and U+0004 where they have one; values are lists, one text per plural form.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ROOT / "greencell" / "locale"
CONTEXT_END = "\u0004"
#: Say what the schema and the kernel say, which is read from there.
ROOMS_OF_OTHERS = {ROOT / "src" / "plugins" / "schema.ts", ROOT / "src" / "told.ts"}
#: The kernel's mark of a text that pages say.
MARK = "translatable"
#: How many texts a call takes before its values: the words, and the plural or the context.
TEXTS = {"__": 1, "_n": 2, "_p": 2}
CALL = re.compile(r"\b_?trans\.(__|_n|_p|_np|gettext|ngettext|pgettext)\(")
LITERAL = re.compile(r"""\s*('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")\s*([,)])""")
PLACE = re.compile(r"%(\d+)")
#: What of a schema a person reads, and the context it is translated in (as JupyterLab does).
SCHEMA_TEXTS = {"title", "description"}

Catalogue = dict[str, list[str]]
Texts = tuple[str, ...]


class NotLiteral(Exception):
    """Words that are put together cannot be translated; the place tells where."""


def said_in(source: str, where: str) -> Iterator[tuple[str, Texts]]:
    """The key of each text that a file says, and the text, in the plural too where it has one."""
    for call in CALL.finditer(source):
        name, at = call[1], call.end()
        texts = []
        line = source.count("\n", 0, call.start()) + 1
        for _ in range(TEXTS.get(name, 0)):
            literal = LITERAL.match(source, at)
            if literal is None:
                break
            texts.append(_unquoted(literal[1]))
            at = literal.end()
        if len(texts) != TEXTS.get(name):
            raise NotLiteral(f"{where}:{line}: trans.{name}( takes plain texts in quotes")
        if name == "_p":
            yield CONTEXT_END.join(texts), (texts[1],)
        else:
            yield texts[0], tuple(texts)


def said_by_schema(schema: dict[str, Any]) -> Iterator[tuple[str, Texts]]:
    """The keys of the settings' titles and descriptions, with the contexts JupyterLab gives them."""

    def walk(node: Any, context: str) -> Iterator[str]:
        for key, value in node.items():
            if isinstance(value, str) and key in SCHEMA_TEXTS:
                yield context + CONTEXT_END + value
            elif isinstance(value, dict) and not key.startswith("jupyter.lab"):
                yield from walk(value, "settings")
            elif key == "oneOf":
                for choice in value:
                    yield from walk(choice, "settings")

    for key in walk(schema, "schema"):
        yield key, (_words(key),)


def said_by_kernel(source: str, where: str) -> Iterator[str]:
    """The texts that a file of the kernel marks; %1 is the part that is a name or a figure."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == MARK:
            (text,) = node.args
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            words = [
                "%1" if isinstance(part, ast.FormattedValue) else _constant(part) for part in parts
            ]
            if None in words or words.count("%1") > 1:
                raise NotLiteral(
                    f"{where}:{node.lineno}: {MARK}( takes one text with one value at most"
                )
            yield "".join(word for word in words if word is not None)


def all_said() -> dict[str, Texts]:
    """Every key of the front end, with its forms in English."""
    found: dict[str, Texts] = {}
    for path in sorted(set((ROOT / "src").rglob("*.ts")) - ROOMS_OF_OTHERS):
        where = str(path.relative_to(ROOT))
        for key, texts in said_in(path.read_text(encoding="utf-8"), where):
            if found.setdefault(key, texts) != texts:
                raise NotLiteral(f"{where}: {key!r} has another plural elsewhere, or none")
    for path in sorted((ROOT / "greencell").rglob("*.py")):
        where = str(path.relative_to(ROOT))
        for text in said_by_kernel(path.read_text(encoding="utf-8"), where):
            found[text] = (text,)
    for path in sorted((ROOT / "schema").glob("*.json")):
        found.update(said_by_schema(json.loads(path.read_text(encoding="utf-8"))))
    return found


def languages() -> list[str]:
    """The languages that have a catalogue."""
    return sorted(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/greencell.json"))


def catalogue(language: str) -> tuple[dict[str, str], Catalogue]:
    """A catalogue's head and its texts."""
    texts = json.loads(_path(language).read_text(encoding="utf-8"))
    return texts.pop(""), texts


def faults(said: dict[str, Texts], head: dict[str, str], texts: Catalogue) -> list[str]:
    """What is wrong with a catalogue, one line each."""
    plural = re.match(r"nplurals=(\d+);", head["plural_forms"])
    forms = int(plural[1]) if plural else 0
    found = [f"missing: {key!r}" for key in said if key not in texts]
    found += [f"said by nobody: {key!r}" for key in texts if key not in said]
    for key, translations in texts.items():
        english = said.get(key, (_words(key),))
        wanted = forms if len(english) == 2 else 1
        if len(translations) != wanted or not all(translations):
            found.append(f"{wanted} text(s) wanted: {key!r}")
        values = [set(PLACE.findall(text)) for text in english]
        for text in translations:
            if set(PLACE.findall(text)) not in values:
                found.append(f"other values than in English: {key!r}")
            if (text[:1] == " ", text[-1:] == " ") != (_words(key)[:1] == " ", key[-1:] == " "):
                found.append(f"other spaces at the ends than in English: {key!r}")
    return found


def write(language: str, head: dict[str, str], texts: Catalogue) -> None:
    """Write a catalogue, in the order of its keys."""
    whole = {"": head, **dict(sorted(texts.items(), key=lambda item: (_words(item[0]), item[0])))}
    _path(language).write_text(
        json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def _path(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "greencell.json"


def _words(key: str) -> str:
    return key.rsplit(CONTEXT_END, 1)[-1]


def _constant(node: ast.expr) -> str | None:
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) else None


def _unquoted(literal: str) -> str:
    quote, body = literal[0], literal[1:-1]
    plain = body.replace(f"\\{quote}", quote)
    return str(json.loads('"' + plain.replace('"', '\\"') + '"'))


def main(arguments: list[str]) -> int:
    """Report, or take translations in."""
    said = all_said()
    if arguments[:1] == ["--add"] and len(arguments) == 3:
        added: Catalogue = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        head, texts = catalogue(arguments[2])
        every = {**texts, **{key: value for key, value in added.items() if all(value)}}
        write(arguments[2], head, {key: value for key, value in every.items() if key in said})
    failed = False
    for language in languages():
        head, texts = catalogue(language)
        wrong = faults(said, head, texts)
        failed = failed or bool(wrong)
        for line in wrong:
            print(f"{language}: {line}", file=sys.stderr)
        lacking = {key: [""] * len(forms) for key, forms in said.items() if key not in texts}
        if lacking:
            print(json.dumps(lacking, ensure_ascii=False, indent=1))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
