"""The front end's words: all are collected, and each language has all of them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "messages.py"


@pytest.fixture(scope="module")
def messages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_language_has_every_word(messages: ModuleType) -> None:
    """None missing, none that nobody says, the same values in each."""
    said = messages.all_said()
    assert len(said) > 150
    assert "fr_FR" in messages.languages()
    for language in messages.languages():
        assert messages.faults(said, *messages.catalogue(language)) == []


def test_calls_are_read_over_lines_with_plurals_contexts_and_quotes(messages: ModuleType) -> None:
    source = """
        trans.__('plain'); this._trans.__(
          'over lines; it\\'s %1',
          value
        );
        trans._n('%1 cell', '%1 cells', count); trans._p('menu', "a \\u2026 word");
    """
    assert list(messages.said_in(source, "here")) == [
        ("plain", ("plain",)), ("over lines; it's %1", ("over lines; it's %1",)),
        ("%1 cell", ("%1 cell", "%1 cells")), ("menu\u0004a … word", ("a … word",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "call",
    ["trans.__(word)", "trans.__(`a ${b}`)", "trans.__('a' + b)", "trans._n('one', many, 2)"],
)
def test_words_that_are_put_together_are_refused(messages: ModuleType, call: str) -> None:
    """They could never be translated; the line is told."""
    with pytest.raises(messages.NotLiteral, match="here:2: "):
        list(messages.said_in("\n" + call, "here"))


def test_what_the_kernel_marks_is_collected(messages: ModuleType) -> None:
    """Over lines, and with one name or figure."""
    source = """
text = translatable("plain")
yield Notice("a", "info", translatable(f"{name} went "
    "away."))
other(f"{not_marked}")
"""
    assert sorted(messages.said_by_kernel(source, "here")) == ["%1 went away.", "plain"]
    assert "%1 went away; later figures lack it." in messages.all_said()


@pytest.mark.parametrize("text", ["word", 'f"{a} and {b}"', '"a" + b'])
def test_what_no_catalogue_could_hold_is_not_to_be_marked(messages: ModuleType, text: str) -> None:
    """The line is told."""
    with pytest.raises(messages.NotLiteral, match="here:2: "):
        list(messages.said_by_kernel(f"\ntranslatable({text})", "here"))


def test_words_of_the_settings_have_the_contexts_of_jupyterlab(messages: ModuleType) -> None:
    """As its own server asks for them, so that language packs work as well."""
    from jupyterlab_server.translation_utils import translator

    class Spy:
        def pgettext(self, context: str, text: str) -> str:
            asked.add(f"{context}\u0004{text}")
            return text

    asked: set[str] = set()
    schema = json.loads((SCRIPT.parents[1] / "schema" / "panel.json").read_text())
    translator._translate_schema_strings(Spy(), schema)
    said = {key for key, _ in messages.said_by_schema(schema)}
    icon = "settings\u0004greencell"
    assert asked - {icon} == said


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ({}, "missing: 'a %1'"),
        ({"a %1": ["un %1"], "b": ["b"]}, "said by nobody: 'b'"),
        ({"a %1": ["un %2"]}, "other values than in English: 'a %1'"),
        ({"a %1": ["un %1", "des %1"]}, "1 text(s) wanted: 'a %1'"),
        ({"a %1": [""]}, "1 text(s) wanted: 'a %1'"),
        ({"a %1": [" un %1"]}, "other spaces at the ends than in English: 'a %1'"),
    ],
)
def test_faults_of_a_catalogue_are_told(
    messages: ModuleType, texts: dict[str, list[str]], fault: str
) -> None:
    head = {"plural_forms": "nplurals=2; plural=(n > 1);"}
    assert fault in messages.faults({"a %1": ("a %1",)}, head, texts)


def test_one_form_may_do_without_the_number(messages: ModuleType) -> None:
    """As "the last session" does in English."""
    head = {"plural_forms": "nplurals=2; plural=(n > 1);"}
    said = {"the last": ("the last", "the last %1")}

    assert messages.faults(said, head, {"the last": ["la dernière", "les %1 dernières"]}) == []
    assert messages.faults(said, head, {"the last": ["la dernière", "les %2 dernières"]}) != []
