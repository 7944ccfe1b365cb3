"""Another language in a real JupyterLab: all words follow the one that the user has chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from lab_support import Lab, Notebook, running_lab

pytestmark = pytest.mark.browser

CATALOGUE = (
    Path(__file__).resolve().parents[2] / "greencell/locale/fr_FR/LC_MESSAGES/greencell.json"
)
WAITS = "import time; time.sleep(120)"
#: What no translator has in hand: names, units, formats, and what people wrote.
NOT_OURS = re.compile(
    r"greencell|Markdown|[\w-]+\.ipynb|CO₂e?|CPU|GPU|RAM|SoC|\b[kmµn]?(Wh|W|g|J)\b|\b(ms|s|min|h)\b"
    r"|\.(json|csv|md|html|tex|yaml|svg)\b|France|\b\d+ \w+\."  # the last is a date, which the browser writes
)
FROM_THE_KERNEL = ", ".join(
    [
        ".gc-Code", ".gc-Remedy", "[data-gc='zone']",
        "[data-gc='what-if'] li", "[data-gc='what-if'] .gc-Small", ".gc-Part .gc-Small",
        ".gc-Method .gc-List dd", ".gc-Skipped", "[data-gc='method'] *",
    ]
)  # fmt: skip
#: What reaches out of the panel: [class, text].
OVERHANGING = """() => {
    const panel = document.querySelector("[data-gc='panel']");
    const edge = panel.getBoundingClientRect().left + panel.clientWidth + 0.5;
    return [...panel.querySelectorAll('*')]
        .filter(node => node.checkVisibility() && node.getBoundingClientRect().right > edge)
        .map(node => [node.className, node.textContent.slice(0, 40)]);
}"""
#: Every text that a person sees, hears or finds under the mouse.
TEXTS = """([roots, except]) => [...document.querySelectorAll(roots)].flatMap(root => {
    const found = [];
    for (const node of [root, ...root.querySelectorAll('*')]) {
        if (node.closest(except)) continue;
        const own = [...node.childNodes].filter(n => n.nodeType === Node.TEXT_NODE).map(n => n.data);
        found.push(...own, node.ariaLabel ?? '', node.getAttribute('placeholder') ?? '');
        if (!node.matches("[data-gc='cell-row']")) found.push(node.title ?? '');
    }
    return found;
})"""


def bracketed(key: str, forms: list[str]) -> list[str]:
    """A language in which every word stands in brackets."""
    return [f"⟦{key.rsplit(chr(4), 1)[-1]}⟧" for _ in forms]


def bare(text: str) -> str:
    """What is left of a text without what was translated, names and figures."""
    while text != (text := re.sub(r"⟦[^⟦⟧]*⟧", "", text)):
        pass
    return "".join(re.findall(r"[^\W\d_]{2,}", NOT_OURS.sub("", text)))


@pytest.fixture(scope="module")
def french_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("french")
    with running_lab(home) as lab:
        folder = home / "settings" / "@jupyterlab" / "translation-extension"
        folder.mkdir(parents=True)
        (folder / "plugin.jupyterlab-settings").write_text('{"locale": "fr_FR"}')
        yield lab


@pytest.fixture
def french(french_lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A notebook that is not open yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 1400}, locale="fr-FR")
    name = f"{request.node.name}.ipynb"
    french_lab.write_notebook(name, ["a = 1", "1/0", WAITS])
    yield Notebook(context.new_page(), french_lab, name, [], [])
    context.close()


def test_the_panel_speaks_french(french: Notebook) -> None:
    """The panel, a badge, the palette, the menus and the settings' form; plurals as in French."""
    french.open()
    french.wait_idle()
    page = french.page
    french.show_panel()
    assert page.locator("[data-gc='enable']").inner_text() == "Démarrer la mesure"
    french.enable()
    french.run(0)
    french.run(0)
    french.run(1)
    page.locator("[data-gc='cell-row']").nth(2).wait_for()

    panel = page.locator("[data-gc='panel']")
    assert panel.get_attribute("aria-label") == "Énergie et CO₂ de ce notebook"
    assert "échouée" in page.locator("[data-gc='cell-row']").first.inner_text()
    assert "3 cellules en" in panel.inner_text()
    assert page.locator("[data-gc='provenance']").inner_text() == "Estimé"
    assert "processeur" in page.locator("[data-gc='notice']").first.inner_text()
    assert "échouée" in page.locator("[data-gc='badge'][data-cell-id='c1']").inner_text()
    for summary in page.locator("[data-gc='panel'] details:visible > summary").all():
        summary.click()
    page.locator("[data-gc='elsewhere-row']").first.wait_for(timeout=15_000)
    assert panel.bounding_box()["width"] <= 260  # longer words in the narrowest panel
    assert page.evaluate(OVERHANGING) == []
    label = page.evaluate("() => window.jupyterapp.commands.label('greencell:open-panel')")
    assert label == "Afficher l’énergie et le CO₂"

    page.evaluate(
        "() => window.jupyterapp.commands.execute('settingeditor:open', { query: 'greencell' })"
    )
    form = page.locator(".jp-SettingsForm")
    form.get_by_text("Énergie sous les cellules", exact=False).first.wait_for(timeout=20_000)
    assert "Wattheures (mWh, Wh, kWh)" in form.inner_text()
    # A change fetches the schema again.
    page.evaluate("() => window.jupyterapp.commands.execute('greencell:toggle-badges')")
    page.wait_for_function("() => document.querySelectorAll(\"[data-gc='badge']\").length === 0")
    assert "Énergie sous les cellules" in form.inner_text()
    assert french.errors == []


def test_no_word_passes_by_the_translator(french: Notebook) -> None:
    """In a language of brackets, nothing but names and figures stands outside of them."""
    texts = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    head = texts.pop("")
    pseudo = {"": head, **{key: bracketed(key, forms) for key, forms in texts.items()}}

    def answer(route: Route) -> None:
        reply = route.fetch()
        content = reply.json()
        content["data"]["greencell"] = pseudo
        route.fulfill(response=reply, json=content)

    page = french.page
    page.route("**/api/translations/fr_FR*", answer)
    french.open()
    french.wait_idle()
    french.show_panel()
    page.locator("[data-gc='enable']").wait_for()
    assert_all_in_brackets(page, "[data-gc='panel']")
    french.enable()
    french.run(0)
    french.run(1)
    french.run(0)
    french.run(2, wait=False)
    page.locator("[data-gc='cell-running']").wait_for(state="visible")
    for summary in page.locator("[data-gc='panel'] details:visible > summary").all():
        summary.click()
    page.wait_for_function(
        "() => document.querySelector(\"[data-gc='announcement']\").textContent !== ''"
    )

    assert_all_in_brackets(page, "[data-gc='panel'], [data-gc='badge'], [data-gc='status']")
    labels = page.evaluate(
        """() => { const c = window.jupyterapp.commands;
            return c.listCommands().filter(id => id.startsWith('greencell:'))
                .flatMap(id => [c.label(id), c.caption(id)]); }"""
    )
    assert [label for label in labels if bare(label)] == []


def assert_all_in_brackets(page: Any, roots: str) -> None:
    texts = page.evaluate(TEXTS, [roots, FROM_THE_KERNEL])
    assert any("⟦" in text for text in texts)
    assert [text for text in texts if bare(text)] == []
