"""What if: footprint, embodied share, score, other places, other hours, everyday things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greencell.carbon.ahead import LEAST_SAVING, best_start, horizon_s, mean_g_per_kwh
from greencell.carbon.carbon_info import Wishes
from greencell.carbon.comparison import compare, telling_zones
from greencell.carbon.embodied import EmbodiedWishes, Hardware, embodied
from greencell.carbon.equivalents import equivalents
from greencell.carbon.footprint import footprint, water_l
from greencell.carbon.grid_table import GridTable
from greencell.carbon.sci import FunctionalUnit, sci
from greencell.carbon.tables import Tables
from greencell.control import Control
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.model import CarbonFactor, Forecast, ForecastPoint, Interval
from greencell.place import Place
from greencell.report import figures
from greencell.report.carbon_text import (
    ahead_words,
    comparison_text,
    equivalent_words,
    footprint_text,
    sci_text,
)
from greencell.report.html_format import comparison_html
from greencell.what_if import WhatIf
from tests_support import Bench, RecordingOutlet

TABLE = GridTable()
GOLDEN = json.loads(
    (Path(__file__).parents[1] / "wire" / "replies" / "what-if.json").read_text("utf-8")
)
intervals = st.tuples(st.floats(0, 1), st.floats(1e-6, 1e6), st.floats(0, 3)).map(
    lambda t: Interval(t[1] * (1 - t[0]), t[1], t[1] * (1 + t[2]))
)
factors = st.builds(
    CarbonFactor, st.just("FR"), st.floats(0.1, 2_000), st.floats(1, 5), st.floats(0, 1)
)


def in_order(interval: Interval) -> bool:
    return 0 <= interval.low <= interval.value <= interval.high


# -- footprint ---------------------------------------------------------------------------------


@given(intervals, factors)
def test_a_footprint_tells_its_two_uncertainties_apart(
    energy_kwh: Interval, factor: CarbonFactor
) -> None:
    """Each alone is no wider than both together; all are about E·I·PUE."""
    found = footprint(energy_kwh, factor)

    value_g = energy_kwh.value * factor.intensity_g_per_kwh * factor.pue
    assert found.co2_g.value == pytest.approx(value_g, rel=1e-9)
    for part in (found.from_energy_g, found.from_grid_g):
        assert in_order(part)
        assert part.low >= found.co2_g.low * (1 - 1e-9)
        assert part.high <= found.co2_g.high * (1 + 1e-9)


def test_water_is_counted_on_it_energy() -> None:
    """10 kWh at 0.12 L/kWh (AWS, 2025) are 1.2 L, whatever the PUE."""
    assert water_l(Interval(9.0, 10.0, 12.0), 0.12) == Interval(1.08, 1.2, 1.44)


def test_buildings_of_several_cells_have_a_mean() -> None:
    """60 s at a PUE of 1 and 60 s at one of 1.14, the same power: 1.07; the product is the CO2."""
    bench, place = place_at("FR")
    place.move("aws:eu-west-3")
    bench.cell(60.0)
    work = WhatIf(bench.session.to_dict(), place).work

    assert work.factor.pue == pytest.approx(1.07, rel=1e-4)
    assert work.factor.intensity_g_per_kwh == pytest.approx(41.4, rel=1e-3)
    assert work.footprint.co2_g == work.co2_g


# -- embodied ----------------------------------------------------------------------------------

EPYC = Hardware("AMD EPYC 7763", 64, 16.0, (), False)


def test_the_worked_example_of_the_formula() -> None:
    """1410 kg over 35,040 h, 4 of 64 threads for 1 h: 2.5 g."""
    made = embodied(EPYC, 3_600.0, EmbodiedWishes(1_410.0, 4.0, 4 / 64), Tables())

    assert made.mass_g.value == pytest.approx(1_410e3 / 35_040 * 4 / 64)
    assert made.mass_g.value == pytest.approx(2.515, abs=0.001)


@pytest.mark.parametrize(
    ("hardware", "total_kg", "words"),
    [
        (EPYC, 1_000.0, "a server of 1,000 kg"),
        (Hardware("AMD EPYC 7763", 64, 116.0, (), False), 1_140.0, "1.4 kg per GB beyond 16 GB"),
        (Hardware("Apple M2", 8, 16.0, (), False), 143.5, "Apple states"),
        (Hardware("Intel Core i7", 8, 16.0, (), False), 178.5, "makers state"),
        (
            Hardware("Intel Core i7", 8, 16.0, ("RTX 4090",), False),
            328.5,
            "150 kg CO2e for RTX 4090",
        ),
        (Hardware("AMD EPYC", 64, 16.0, ("NVIDIA H100 80GB HBM3",), False), 1_164.0, "164 kg"),
    ],
)
def test_hardware_is_told_by_what_it_is(hardware: Hardware, total_kg: float, words: str) -> None:
    """Teads' building blocks, NVIDIA's H100 board by eight, makers' own figures."""
    made = embodied(hardware, 3_600.0, EmbodiedWishes(), Tables())

    assert made.total_kg.value == pytest.approx(total_kg)
    assert any(words in line for line in made.assumptions)


def test_a_guest_bears_its_part_of_the_host() -> None:
    """4 of 64 threads (32 to 128) of a host with 256 GB; its GPU is its own."""
    guest = embodied(Hardware("x", 4, 16.0, (), True), 3_600.0, EmbodiedWishes(), Tables())
    with_gpu = embodied(Hardware("x", 4, 16.0, ("T4",), True), 3_600.0, EmbodiedWishes(), Tables())

    assert (guest.share.low, guest.share.value, guest.share.high) == (4 / 128, 4 / 64, 4 / 32)
    assert guest.total_kg.value == pytest.approx(1_000 + 1.4 * 240)
    assert with_gpu.mass_g.value - guest.mass_g.value == pytest.approx(150e3 / 35_040)


@given(
    st.builds(
        Hardware,
        cpu=st.sampled_from(["Intel Xeon", "Apple M3 Max", "AMD Ryzen", "unknown", ""]),
        logical_cpus=st.one_of(st.none(), st.integers(1, 512)),
        ram_gb=st.one_of(st.none(), st.floats(0.1, 4_096)),
        gpus=st.lists(st.sampled_from(["NVIDIA A100", "H100", "T4", "?"]), max_size=8).map(tuple),
        is_virtual=st.booleans(),
    ),
    st.floats(0, 1e8),
)
def test_any_hardware_has_a_share_with_its_interval(hardware: Hardware, duration_s: float) -> None:
    """In order, in proportion to time, and with its assumptions told."""
    made = embodied(hardware, duration_s, EmbodiedWishes(), Tables())
    twice = embodied(hardware, 2 * duration_s, EmbodiedWishes(), Tables())

    assert in_order(made.mass_g)
    assert twice.mass_g.value == pytest.approx(2 * made.mass_g.value)
    assert made.assumptions


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_wishes_are_one_line(wrong: float) -> None:
    """Nothing weighs nothing, lives no time, or is not there."""
    for wishes in ({"total_kg": wrong}, {"lifetime_years": wrong}, {"share": wrong}):
        with pytest.raises(UsageError, match="must be above 0"):
            EmbodiedWishes(**wishes)


# -- score -------------------------------------------------------------------------------------


@given(intervals, factors, st.one_of(st.none(), intervals), st.floats(1e-3, 1e6))
def test_a_score_is_all_of_it_per_unit(
    energy_kwh: Interval, factor: CarbonFactor, made_g: Interval | None, count: float
) -> None:
    """((E · I) + M) / R."""
    work = footprint(energy_kwh, factor)
    score = sci(work, made_g, FunctionalUnit("epoch", count))

    whole_g = work.co2_g.value + (made_g.value if made_g else 0.0)
    assert score.per_unit_g.value * count == pytest.approx(whole_g)
    assert in_order(score.per_unit_g)


@pytest.mark.parametrize(
    ("name", "count"), [("", 1), ("  ", 1), ("a\nb", 1), ("x", 0), ("x", -1), ("x" * 99, 1)]
)
def test_there_is_no_score_without_a_unit(name: str, count: float) -> None:
    """The unit must be named and counted."""
    with pytest.raises(UsageError):
        FunctionalUnit(name, count)


# -- elsewhere ---------------------------------------------------------------------------------


def place_at(zone: str, seconds: float = 60.0) -> tuple[Bench, Place]:
    bench = Bench.make()
    place = Place(bench.session, TABLE, Wishes())
    place.move(zone)
    bench.cell(seconds)
    return bench, place


def what_if_at(zone: str) -> WhatIf:
    bench, place = place_at(zone)
    return WhatIf(bench.session.to_dict(), place)


def test_the_same_session_in_other_countries() -> None:
    """In proportion to their intensities, the least first, here among them."""
    comparison = what_if_at("FR").elsewhere(["PL", "NO"])

    assert [row.zone for row in comparison.rows] == ["NO", "FR", "PL"]
    ratios = {row.zone: row.ratio for row in comparison.rows}
    assert ratios["PL"] == pytest.approx(588.6 / 41.4)
    assert ratios["FR"] == 1.0
    assert comparison.note == ""
    assert all(in_order(row.co2_g) for row in comparison.rows)


def test_figures_of_another_basis_stand_apart_without_a_ratio() -> None:
    """A US state's direct figure against France's life-cycle one is no comparison."""
    what_if = what_if_at("FR")
    comparison = what_if.elsewhere(["US-CA", "DE"])

    rows = {row.zone: row for row in comparison.rows}
    assert rows["US-CA"].ratio is None and not rows["US-CA"].is_comparable
    assert rows["DE"].ratio is not None
    assert "US-CA" in comparison.note and "not to be compared" in comparison.note
    text = comparison_text(comparison, what_if.work)
    assert text.index("not to be compared") > text.index("Germany")
    assert text.index("US-CA  California") > text.index("not to be compared")


def test_a_country_keeps_the_building_and_a_cloud_brings_its_own() -> None:
    """PUE 1.14 of AWS in Paris moves along to Norway; Google's region has its own."""
    comparison = what_if_at("aws:eu-west-3").elsewhere(["NO", "gcp:europe-west9"])

    pues = {row.zone: row.pue for row in comparison.rows}
    assert pues["NO"] == pues["aws:eu-west-3"] == 1.14
    assert pues["gcp:europe-west9"] == TABLE.find("gcp:europe-west9").pue


@pytest.mark.parametrize(
    "zone", ["FR", "US-CA", "aws:eu-west-3", "aws:us-west-2", "WORLD", "hetzner:fsn1", "AD"]
)
def test_what_is_shown_unasked_can_be_compared(zone: str) -> None:
    """Of the basis of here, from clean to dirty, and not many."""
    what_if = what_if_at(zone)
    comparison = what_if.elsewhere([])

    assert all(row.is_comparable for row in comparison.rows)
    assert 2 <= len(comparison.rows) <= 12 or zone.startswith("hetzner")
    assert sum(row.is_here for row in comparison.rows) == 1


def test_a_session_of_two_bases_is_compared_with_nothing() -> None:
    """Its sum is a mixture, and said to be one."""
    bench, place = place_at("FR")
    place.move("US-CA")
    bench.cell(60.0)
    what_if = WhatIf(bench.session.to_dict(), place)

    comparison = what_if.elsewhere(["US-NY"])

    assert all(row.ratio is None for row in comparison.rows if not row.is_here)
    assert "mixes life-cycle and direct" in comparison.note
    assert "mixes direct and life-cycle figures" in footprint_text(what_if.work, None, water=True)


def test_a_users_own_figure_is_compared_with_nothing() -> None:
    """What it counts is not known."""
    here = what_if_at("FR")
    info = here._place.carbon
    own = CarbonFactor("FR", 50.0, 1.0, 0.2, "unknown")
    from dataclasses import replace

    comparison = compare(
        here.work.energy_kwh,
        here.work.co2_g,
        ["unknown"],
        replace(info, factor=own),
        [TABLE.find("DE")],
    )

    assert comparison.rows[-1].ratio is None
    assert "not known" in comparison.note


def test_too_many_and_unknown_zones_are_one_line() -> None:
    """Nothing is shown then."""
    what_if = what_if_at("FR")
    with pytest.raises(UsageError, match="At most 19"):
        what_if.elsewhere(["DE"] * 20)
    with pytest.raises(UsageError, match="Unknown zone"):
        what_if.elsewhere(["Atlantis"])


def test_bars_in_a_notebook_hold_no_markup_of_a_zones_name() -> None:
    """Names come from tables that anybody may edit."""
    from dataclasses import replace

    what_if = what_if_at("FR")
    comparison = what_if.elsewhere(["DE"])
    hostile = replace(
        comparison,
        rows=tuple(replace(r, zone_name="<script>alert(1)</script>") for r in comparison.rows),
    )

    html = comparison_html(hostile)

    assert "<script" not in html and "&lt;script&gt;" in html
    assert html.count('class="bar') == 2


def test_nothing_measured_is_said() -> None:
    """Before the first cell there is nothing to compare."""
    bench = Bench.make()
    with pytest.raises(UsageError, match="run a cell first"):
        WhatIf(bench.session.to_dict(), Place(bench.session, TABLE, Wishes()))


# -- ahead -------------------------------------------------------------------------------------


def forecast_of(*values: float, step_s: float = 3_600.0, basis: Any = "life-cycle") -> Forecast:
    points = tuple(ForecastPoint(i * step_s, value) for i, value in enumerate(values))
    return Forecast("a provider", "FR", basis, points)


@given(
    st.lists(st.floats(1, 1_000), min_size=2, max_size=12),
    st.floats(60, 20_000),
    st.floats(0, 3_000),
)
def test_no_minute_is_better_than_the_best_start(
    values: list[float], duration_s: float, now_s: float
) -> None:
    """Against trying every minute of the forecast."""
    forecast = forecast_of(*values)
    assume(now_s + duration_s <= horizon_s(forecast))
    now_g = mean_g_per_kwh(forecast, now_s, duration_s)
    minutes = range(int(now_s) + 1, int(horizon_s(forecast) - duration_s), 60)
    tried = min((mean_g_per_kwh(forecast, m, duration_s) for m in minutes), default=now_g)

    best = best_start(forecast, duration_s, now_s)

    if best is None:
        assert tried >= now_g * (1 - LEAST_SAVING) * (1 - 1e-9)
    else:
        assert now_g * (1 - best.saving) <= tried * (1 + 1e-9)
        assert best.at >= now_s and best.at + best.duration_s <= horizon_s(forecast)


def test_work_is_told_to_wait_for_the_night() -> None:
    """100 g now, 62 g from the second hour on: 38 %."""
    forecast = forecast_of(100.0, 100.0, 62.0, 62.0, 100.0)

    best = best_start(forecast, 3_600.0, 0.0)

    assert best is not None
    assert (best.at, best.saving) == (7_200.0, pytest.approx(0.38))
    from datetime import timezone

    words = ahead_words(best, forecast, 0.0, timezone.utc)
    assert (
        words
        == "Starting at 02:00 would save 38\u202f% (a provider's forecast for FR, life-cycle)."
    )
    late = best_start(forecast_of(*[100.0] * 26, 50.0), 60.0, 0.0)
    assert "Starting tomorrow at 02:00 would" in ahead_words(late, forecast, 0.0, timezone.utc)


@pytest.mark.parametrize("values", [[100.0, 97.0], [50.0, 100.0], [100.0], [0.0, 5.0]])
def test_no_hour_is_praised_for_nothing(values: list[float]) -> None:
    """Less than 5 % is within a forecast's error; what is not forecast is not promised."""
    forecast = forecast_of(*values, basis="marginal")
    assert best_start(forecast, 60.0, 0.0) is None
    assert "No hour ahead is clearly better" in ahead_words(None, forecast, 0.0)
    assert "marginal" in ahead_words(None, forecast, 0.0)


def test_work_longer_than_the_forecast_is_promised_nothing() -> None:
    """Two hours of forecast say nothing of a night's training."""
    assert best_start(forecast_of(100.0, 10.0), 36_000.0, 0.0) is None


# -- equivalents -------------------------------------------------------------------------------


def one(key: str, energy_kwh: float = 1.0, co2_kg: float = 1.0, country: str = "FR") -> Any:
    exact = Interval(energy_kwh, energy_kwh, energy_kwh), Interval(co2_kg, co2_kg, co2_kg)
    found = equivalents(*exact, country, Tables())
    return next(e for e in found if e.key == key)


def test_known_equivalents() -> None:
    """1 kWh: a 9 W lamp for 111 h, 10.8 L of water boiled; 1 kg: 4.1 km in the US (EPA, 2026)."""
    assert one("led_bulb_hour_kwh").amount.value == pytest.approx(1 / 0.009)
    assert one("litre_water_boiled_kwh").amount.value == pytest.approx(10.75, abs=0.01)
    assert one("car_us_km", country="US").amount.value == pytest.approx(1 / 0.2442)
    assert one("car_eu_fleet_km").amount.value == pytest.approx(1 / 0.175)
    assert one("tree_seedling_10_years", co2_kg=60.0).amount.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("key", "energy_kwh", "co2_kg", "words"),
    [
        ("led_bulb_hour_kwh", 0.0021, 1, "a 9 W LED lamp for 14\u202fmin"),
        ("led_bulb_hour_kwh", 1e-9, 1, "a 9 W LED lamp for 400\u202fµs"),
        ("led_bulb_hour_kwh", 200.0, 1, "a 9 W LED lamp for 2.5\u202fyears"),
        ("car_eu_fleet_km", 1, 0.0012, "6.9\u202fm in an average European car"),
        ("car_eu_fleet_km", 1, 35.0, "200\u202fkm in an average European car"),
        (
            "tree_seedling_10_years",
            1,
            0.06,
            "0.10\u202f% of what a tree seedling takes up in ten years",
        ),
        ("tree_seedling_10_years", 1, 180.0, "what 3.0 tree seedlings each takes up in ten years"),
        ("smartphone_charge_kwh", 0.024, 1, "2.0 charges of a smartphone"),
    ],
)
def test_equivalents_in_words(key: str, energy_kwh: float, co2_kg: float, words: str) -> None:
    """In the unit that suits it."""
    assert equivalent_words(one(key, energy_kwh, co2_kg)) == words


@given(intervals, intervals, st.sampled_from(["US", "GB", "FR", "??"]))
def test_any_session_has_readable_equivalents(
    energy_kwh: Interval, co2_kg: Interval, country: str
) -> None:
    """Every one with a number and a source."""
    found = equivalents(energy_kwh, co2_kg, country, Tables())

    assert len(found) == 6
    for e in found:
        assert in_order(e.amount)
        assert any(c.isdigit() for c in equivalent_words(e))
        assert e.source[-4:].isdigit()


# -- magics and the page -----------------------------------------------------------------------


def test_the_answer_to_a_page_has_the_golden_shape() -> None:
    """The same keys, the same kinds; and it is what the rooms say."""
    bench, place = place_at("FR")
    control = Control(bench.session, Feed(bench.session, RecordingOutlet(), bench.clock), place)

    reply = control.answer({"wire": 1, "op": "what-if", "zones": "PL NO"})

    assert reply["ok"] is True
    made, golden = reply["what_if"], GOLDEN["what_if"]
    assert set(made) == set(golden)
    assert set(made["elsewhere"]) == set(golden["elsewhere"])
    assert [r["zone"] for r in made["elsewhere"]["rows"]] == ["NO", "FR", "PL"]
    for row in made["elsewhere"]["rows"]:
        assert set(row) == set(golden["elsewhere"]["rows"][0])
    for equivalent in made["equivalents"]:
        assert set(equivalent) == set(golden["equivalents"][0])
    assert made["ahead"] is None and "No forecast" in made["ahead_note"]
    assert json.dumps(reply, allow_nan=False)


def test_a_page_is_told_the_hours_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forecast's points, the best hour, and the sentence."""
    bench, place = place_at("FR")
    now_s = bench.session.wall_s()
    points = tuple(ForecastPoint(now_s + i * 3_600, v) for i, v in enumerate([100.0, 50.0, 100.0]))
    forecast = Forecast("Electricity Maps", "FR", "life-cycle", points)
    monkeypatch.setattr(Place, "forecast", forecast)
    control = Control(bench.session, Feed(bench.session, RecordingOutlet(), bench.clock), place)

    made = control.answer({"wire": 1, "op": "what-if"})["what_if"]

    golden = GOLDEN["what_if"]["ahead"]
    assert set(made["ahead"]) == set(golden)
    assert set(made["ahead"]["best"]) == set(golden["best"])
    assert made["ahead"]["best"]["saving"] == pytest.approx(0.5)
    assert made["ahead_note"] == ""


@pytest.mark.parametrize("zones", ["Atlantis", " ".join(["DE"] * 30), "paris"])
def test_a_page_that_asks_for_no_place_gets_one_line(zones: str) -> None:
    """And no traceback."""
    bench, place = place_at("FR")
    control = Control(bench.session, Feed(bench.session, RecordingOutlet(), bench.clock), place)

    reply = control.answer({"wire": 1, "op": "what-if", "zones": zones})

    assert reply["ok"] is False
    assert len(reply["error"].splitlines()) == 1


def test_a_page_sets_the_zone_the_building_or_both() -> None:
    """What it sets wins over what was found, and a later change of zone keeps the building."""
    bench, place = place_at("FR")
    control = Control(bench.session, Feed(bench.session, RecordingOutlet(), bench.clock), place)

    def set_to(**asked: object) -> tuple[str, float, str]:
        carbon = control.answer({"wire": 1, "op": "set-zone", **asked})["carbon"]
        return carbon["zone"], carbon["pue"], carbon["located_by"]

    assert set_to(pue=1.4)[:2] == ("FR", 1.4)
    assert set_to(zone="DE") == ("DE", 1.4, "setting")
    assert set_to(zone="PL", pue=1) == ("PL", 1.0, "setting")
    assert set_to(zone="aws:eu-west-3")[1] == 1.0, "the user's, not the region's"


@pytest.mark.parametrize("pue", [0.9, "1.2", True, float("nan"), 1e9, [1.2], None])
def test_what_can_be_no_pue_is_refused_in_one_line(pue: object) -> None:
    """Nothing changes."""
    bench, place = place_at("FR")
    control = Control(bench.session, Feed(bench.session, RecordingOutlet(), bench.clock), place)

    reply = control.answer({"wire": 1, "op": "set-zone", "pue": pue})

    assert reply["ok"] is False
    assert len(reply["error"].splitlines()) == 1
    assert place.carbon.factor.pue == 1.0


def test_words_of_a_score() -> None:
    """What it is per, that the hardware is left out, and the standard."""
    work = what_if_at("FR").work
    text = sci_text(sci(work.footprint, None, FunctionalUnit("epoch", 10)), work, None)

    assert text.startswith("SCI = ")
    assert "per epoch, 10 of them" in text
    assert "ISO/IEC 21031:2024" in text and "not included" in text
    assert figures.basis_words(work.bases) == "life-cycle"


def test_telling_zones_go_from_clean_to_dirty() -> None:
    """So that here stands between something."""
    zones = telling_zones(place_at("DE")[1].carbon, TABLE)
    figures = [zone.intensity_g_per_kwh for zone in zones]

    assert min(figures) < 50 < 500 < max(figures)
