"""An idle kernel in a real JupyterLab: the page's total lives, and the kernel is left in peace."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab_support import Lab, Notebook, running_lab

pytestmark = pytest.mark.browser

BUSY = "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: sum(range(1000))"
IDLE_MS = 12_000
CULLED_AFTER_S = 8

EXPORTED = """async () => {
  const saved = new Promise(done => {
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => { URL.createObjectURL = make; void blob.text().then(done); return make(blob); };
  });
  await window.jupyterapp.commands.execute('greencell:export', {format: 'json'});
  return saved;
}"""
SHOWN = """() => {
  const energy = document.querySelector("[data-gc='session-energy']");
  const co2 = document.querySelector("[data-gc='session-co2']");
  return {energyJ: +energy.dataset.energyJ, co2G: +co2.dataset.co2G, words: energy.innerText,
          title: document.querySelector('.gc-Summary .gc-Row').title};
}"""


def settled(nb: Notebook) -> None:
    """One busy second measured, and its figures final."""
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.page.locator("[data-gc='cell-row']").wait_for()
    nb.page.wait_for_timeout(1500)


def shown(nb: Notebook) -> Any:
    return nb.page.evaluate(SHOWN)


def exported(nb: Notebook) -> Any:
    totals = json.loads(nb.page.evaluate(EXPORTED))["totals"]
    return {
        name: totals[name] * 3.6e6 for name in ("energy_kwh", "energy_low_kwh", "energy_high_kwh")
    }


def test_the_total_goes_on_while_idle_and_is_that_of_an_export(open_notebook: Any) -> None:
    nb = open_notebook([BUSY])
    settled(nb)
    before = shown(nb)
    power_w = nb.number("power", "power-w")
    assert power_w > 0, "idle power stands beside the total"
    nb.page.wait_for_timeout(IDLE_MS)
    after = shown(nb)
    grown_j = after["energyJ"] - before["energyJ"]
    assert 0.3 * power_w * IDLE_MS / 1000 < grown_j < 2 * power_w * IDLE_MS / 1000
    assert after["co2G"] > before["co2G"]
    assert "≈" in after["words"]

    told = exported(nb)
    assert told["energy_low_kwh"] <= after["energyJ"] <= told["energy_high_kwh"]
    # The answer's totals are those of the page now, and go on from there.
    apart_j = abs(shown(nb)["energyJ"] - told["energy_kwh"])
    assert apart_j < 0.02 * told["energy_kwh"] + 5 * power_w
    assert nb.errors == []


def test_every_total_of_the_page_is_the_same(open_notebook: Any) -> None:
    nb = open_notebook([BUSY])
    settled(nb)
    page = nb.page
    for section in ("history", "what-if"):
        page.locator(f"[data-gc='{section}'] > summary").click()
    page.locator("[data-gc='history-session'].gc-mod-here").wait_for()
    page.locator("[data-gc='elsewhere-row'][data-here]").wait_for()
    page.wait_for_timeout(IDLE_MS / 2)
    totals = page.evaluate("""() => {
      const of = (selector, name) => +document.querySelector(selector).dataset[name];
      return {energyJ: [of("[data-gc='session-energy']", 'energyJ'), of(".gc-mod-here[data-gc='history-session']", 'energyJ')],
              co2G: [of("[data-gc='session-co2']", 'co2G'), of("[data-gc='elsewhere-row'][data-here]", 'co2G')],
              words: [document.querySelector("[data-gc='session-energy'] .gc-Figure-line").innerText,
                      document.querySelector("[data-gc='status']").innerText.replace('⚡ ', ''),
                      document.querySelector(".gc-mod-here[data-gc='history-session'] .gc-Cell-energy").innerText]};
    }""")
    assert len(set(totals["energyJ"])) == 1
    assert len(set(totals["co2G"])) == 1
    assert len({"".join(words.split()) for words in totals["words"]}) == 1


def test_a_paused_session_does_not_grow(open_notebook: Any) -> None:
    nb = open_notebook([BUSY])
    settled(nb)
    nb.page.get_by_role("button", name="Pause", exact=True).click()
    nb.page.get_by_text("Paused: nothing is counted").wait_for()
    nb.page.wait_for_timeout(1000)
    before = shown(nb)
    nb.page.wait_for_timeout(IDLE_MS / 2)
    assert shown(nb) == before


@pytest.fixture
def culling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server that ends kernels which nobody uses, as those of hubs do, also with a page open."""
    home = tmp_path_factory.mktemp("culling")
    (home / "config").mkdir()
    culler = {"cull_idle_timeout": CULLED_AFTER_S, "cull_interval": 1, "cull_connected": True}
    (home / "config" / "jupyter_server_config.json").write_text(
        json.dumps({"MappingKernelManager": culler})
    )
    with running_lab(home) as lab:
        yield lab


def test_a_kernel_is_culled_on_time_with_the_panel_open(culling: Lab, browser: Any) -> None:
    """From the end of its last cell on nothing counts as activity, neither ours nor the page's."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    culling.write_notebook("idle.ipynb", [BUSY])
    nb = Notebook(context.new_page(), culling, "idle.ipynb", [], [])
    nb.open()
    nb.show_panel()
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    ended = time.monotonic()
    seen = []
    while (
        kernels := culling.get("/api/kernels")
    ) and time.monotonic() - ended < 8 * CULLED_AFTER_S:
        seen.append((time.monotonic() - ended, kernels[0]["last_activity"]))
        time.sleep(0.3)
    culled_s = time.monotonic() - ended
    assert kernels == [], f"not culled: {seen[-1]}"
    # Figures may settle for a moment after the end of a cell; after that there is silence.
    assert len({activity for at_s, activity in seen if at_s > 2}) == 1
    assert culled_s < 2 + CULLED_AFTER_S + 6
    nb.page.locator("[data-gc='welcome']:visible").wait_for(timeout=60_000)
    assert nb.number("session-energy", "energy-j") > 0, "the last figures stay"
    context.close()
