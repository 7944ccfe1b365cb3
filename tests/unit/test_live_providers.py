"""Live providers against a double over real HTTP: every case, and what is made of it."""

from __future__ import annotations

import email.utils
import math
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from carbon_provider_double import (
    BEARER,
    TIMES,
    TOKEN,
    VALUES,
    ZONES,
    Asked,
    Double,
    Reply,
    drop_everywhere,
    provider,
    running,
    says,
    set_everywhere,
    time_of,
)
from live_support import LIVE_G, NAMES, TABLE, TIMEOUT_S, Stand, rest

from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.live.failures import Nonsense, Unavailable
from greencell.carbon.live.http import Endpoint
from greencell.carbon.live.secret import Secret
from greencell.carbon.live.watch import QUIET_AFTER_S
from greencell.carbon.location import Location
from greencell.errors import UsageError
from greencell.place import Place, opening
from tests_support import Bench


@pytest.fixture
def double() -> Iterator[Double]:
    with running() as double:
        yield double


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_used_for_its_time_and_asked_again(double: Double, name: str) -> None:
    """200: the figure counts; until its cache is old nobody asks; the zone's code stays."""
    stand = Stand.make(double, name)
    stand.good()
    stand.place.ask(name)
    assert stand.carbon == rest(name) and double.asked == []
    stand.look()

    reading = stand.reading
    assert reading is not None and reading.intensity_g_per_kwh == pytest.approx(LIVE_G, rel=1e-12)
    assert reading.at == pytest.approx(stand.bench.clock.wall_s() - 60.0, abs=60.0)
    assert stand.carbon.factor.zone == ZONES[name]
    assert stand.notices == ()
    if name == "watttime":
        assert stand.carbon.factor == rest(name).factor  # to the bit
        assert reading.basis == "marginal" and stand.carbon.live is None
    else:
        assert stand.carbon.factor.intensity_g_per_kwh == LIVE_G
        assert stand.carbon.factor.basis == reading.basis == _about(stand).basis
        assert stand.carbon.basis == f"{_about(stand).period}, {reading.basis}"
        assert stand.carbon.source == _about(stand).credit
        assert stand.carbon.year == 2026

    stand.good(LIVE_G + 1)
    assert stand.later(_about(stand).cache_s - 1.0) == 0
    assert stand.later(1.1) >= 1
    assert stand.reading is not None
    assert stand.reading.intensity_g_per_kwh == pytest.approx(LIVE_G + 1)


def _about(stand: Stand) -> Any:
    provider = stand.place._provider
    assert provider is not None
    return provider.about


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked(double: Double, name: str) -> None:
    """Paths, questions and headers as each provider documents them."""
    stand = Stand.make(double, name)
    stand.good()
    stand.place.ask(name)
    stand.look()
    asked = double.asked

    if name == "electricitymaps":
        latest, forecast = asked
        assert latest.path == "/v3/carbon-intensity/latest"
        assert latest.query == {
            "zone": "FR", "disableCallerLookup": "true", "emissionFactorType": "lifecycle"
        }  # fmt: skip
        assert latest.headers["auth-token"] == TOKEN
        assert forecast.path == "/v3/carbon-intensity/forecast"
        assert forecast.query["horizonHours"] == "24"
    elif name == "uk":
        assert [one.path for one in asked] == ["/intensity", "/intensity/2026-01-31T09:16Z/fw24h"]
    elif name == "rte":
        (one,) = asked
        assert one.path.endswith("/v2.1/catalog/datasets/eco2mix-national-tr/records")
        assert one.query["where"] == "taux_co2 is not null" and one.query["limit"] == "1"
    elif name == "energinet":
        assert [one.path for one in asked] == ["/dataset/CO2Emis", "/dataset/CO2EmisProg"]
        assert asked[0].query["filter"] == '{"PriceArea":["DK1","DK2"]}'
        assert stand.carbon.live is not None and "mean" in stand.carbon.live.zone
    else:
        login, *others = asked
        assert login.path == "/login" and login.headers["authorization"].startswith("Basic ")
        for one in others:
            assert one.headers["authorization"] == f"Bearer {BEARER}"
            assert one.query["region"] == "CAISO_NORTH" and one.query["signal_type"] == "co2_moer"
    for one in asked:
        assert one.headers["host"] == double.url.removeprefix("http://")
        assert ("auth-token" in one.headers) == (name == "electricitymaps")


def _everywhere(reply: Reply) -> Callable[[Stand], None]:
    def prepare(stand: Stand) -> None:
        stand.double.answer = lambda _asked: reply

    return prepare


def _value(value: object) -> Callable[[Stand], None]:
    """The intensity holds another thing."""
    return lambda stand: stand.good(change=set_everywhere(VALUES[stand.name], value))


def _too_large(stand: Stand) -> None:
    stand.good(1_501.0 + 20.0)


def _without_value(stand: Stand) -> None:
    stand.good(change=drop_everywhere(VALUES[stand.name]))


def _without_time(stand: Stand) -> None:
    stand.good(change=drop_everywhere(TIMES[stand.name]))


def _time(seconds_from_now: float) -> Callable[[Stand], None]:
    def prepare(stand: Stand) -> None:
        stamp = time_of(stand.name, stand.bench.clock.wall_s() + seconds_from_now)
        stand.good(change=set_everywhere(TIMES[stand.name], stamp))

    return prepare


def _no_time(stand: Stand) -> None:
    stand.good(change=set_everywhere(TIMES[stand.name], "yesterday"))


HTML = Reply(
    body=b"<html><body>Log in to this hotel</body></html>", headers={"Content-Type": "text/html"}
)
FLOOD = 50 * 1024 * 1024
CASES: dict[str, tuple[Callable[[Stand], None], str]] = {
    "404": (_everywhere(Reply(404)), "no figure for this place (404)"),
    "400": (_everywhere(Reply(400)), "does not understand the question (400)"),
    "429": (_everywhere(Reply(429)), "too often (429)"),
    "500": (_everywhere(Reply(500)), "out of order (500)"),
    "503": (_everywhere(Reply(503)), "out of order (503)"),
    "hang": (_everywhere(Reply(hangs=True)), "does not answer in time"),
    "drip": (_everywhere(Reply(drip_s=0.05)), "does not answer in time"),
    "reset": (_everywhere(Reply(resets=True)), "cannot be reached"),
    "bad JSON": (_everywhere(Reply(body=b'{"carbonIntensity": ')), "not JSON"),
    "not UTF-8": (_everywhere(Reply(body=b"\xff\xfe\xfa")), "not JSON"),
    "deep": (_everywhere(Reply(body=b"[" * 100_000)), "not JSON"),
    "empty": (_everywhere(Reply(body=b"")), "not JSON"),
    "HTML": (_everywhere(HTML), "not JSON"),
    "null": (_everywhere(Reply(body=b"null")), "leaves"),
    "list": (_everywhere(Reply(body=b"[1, 2]")), "leaves"),
    "50 MB": (_everywhere(Reply(flood=FLOOD)), "more than 1 MiB"),
    "50 MB, no length": (_everywhere(Reply(flood=FLOOD, length=None)), "more than 1 MiB"),
    "missing value": (_without_value, "leaves"),
    "missing time": (_without_time, "leaves"),
    "text": (_value("41"), "no number"),
    "true": (_value(True), "no number"),
    "list value": (_value([41]), "no number"),
    "NaN": (_value(math.nan), "not JSON"),
    "infinite": (_value(math.inf), "not JSON"),
    "negative": (_value(-1), "which no grid has"),
    "above 1500": (_too_large, "which no grid has"),
    "stale": (_time(-3.1 * 3600), "last 3 hours"),
    "ahead": (_time(1.1 * 3600), "a time to come"),
    "no time": (_no_time, "no time"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_without_a_figure_the_table_counts_and_one_line_says_why(
    double: Double, name: str, case: str
) -> None:
    """One notice; nothing is asked before the cool-down is over; then all is well again."""
    prepare, words = CASES[case]
    stand = Stand.make(double, name)
    stand.place.ask(name)
    prepare(stand)
    began_s = time.monotonic()
    stand.look()

    assert time.monotonic() - began_s < 4 * TIMEOUT_S + 0.5
    assert double.sent < FLOOD / 2
    assert stand.carbon == rest(name)
    (notice,) = stand.notices
    assert notice.id == f"live:{name}" and notice.level == "warning"
    assert notice.text.startswith(_about(stand).name) and notice.text.isprintable()
    if not (case == "null" and name == "uk"):
        assert words in notice.text
    assert notice.text.endswith(
        "no marginal figure is shown." if name == "watttime" else "the table's figure is used."
    )
    assert "asked again by itself" in notice.remedy
    assert stand.later(299.0) == 0
    assert stand.notices == (notice,)
    stand.good()
    assert stand.later(1.1) >= 1
    assert stand.notices == () and stand.reading is not None


@pytest.mark.parametrize("name", [name for name in NAMES if name != "watttime"])
def test_zero_is_no_grid(double: Double, name: str) -> None:
    """No mix of a grid is 0; a marginal figure may be, where wind is switched off."""
    stand = Stand.make(double, name)
    stand.place.ask(name)
    stand.good(change=set_everywhere(VALUES[name], 0))
    stand.look()

    assert stand.carbon == rest(name)
    (notice,) = stand.notices
    assert "0 g/kWh, which no grid has" in notice.text


def test_a_marginal_zero_is_a_figure(double: Double) -> None:
    """Shown as it is, beside."""
    stand = Stand.make(double, "watttime")
    stand.place.ask("watttime")
    stand.good(change=set_everywhere("value", 0))
    stand.look()

    assert stand.reading is not None and stand.reading.intensity_g_per_kwh == 0.0


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("name", NAMES)
def test_a_refusal_ends_the_asking(double: Double, name: str, status: int) -> None:
    """Until the provider or the zone is another one; the line says what to set."""
    stand = Stand.make(double, name)
    stand.place.ask(name)
    double.answer = lambda _asked: Reply(status, body=b'{"error": "' + TOKEN.encode() + b'"}')
    stand.look()

    assert stand.carbon == rest(name)
    (notice,) = stand.notices
    assert (
        f"refused {'the token' if name in ('electricitymaps', 'watttime') else 'to answer'} ({status})"
        in notice.text
    )
    assert notice.remedy == (_about(stand).remedy or "%greencell live off")
    stand.good()
    assert sum(stand.later(3_600.0) for _ in range(30)) == 0
    stand.place.move(ZONES[name])  # the same place: nothing is new
    assert stand.later(1.0) == 0 and stand.notices == (notice,)
    stand.place.ask(name)  # perhaps with another token
    stand.good()
    assert stand.later(1.0) >= 1 and stand.notices == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("retry_after", "until_s"),
    [("900", 900.0), ("1", 60.0), ("99999999999", 86_400.0), ("soon", 300.0), ("-5", 300.0), ("", 300.0)],
)  # fmt: skip
def test_too_often_is_taken_at_its_word(
    double: Double, name: str, retry_after: str, until_s: float
) -> None:
    """Retry-After counts within a minute and a day."""
    stand = Stand.make(double, name)
    stand.place.ask(name)
    double.answer = lambda _asked: Reply(429, headers={"Retry-After": retry_after})
    stand.look()

    stand.good()
    assert stand.later(until_s - 1.0) == 0
    assert len(stand.notices) == 1
    stand.good()
    assert stand.later(1.1) >= 1


def test_retry_after_as_a_date(double: Double) -> None:
    """By the server's own clock, whatever ours says."""
    stand = Stand.make(double, "rte")
    stand.place.ask("rte")
    double.answer = lambda _asked: Reply(
        429, headers={"Retry-After": email.utils.formatdate(time.time() + 1_200.0, usegmt=True)}
    )
    stand.look()

    stand.good()
    assert stand.later(1_190.0) == 0
    stand.good()
    assert stand.later(12.0) == 1


@pytest.mark.parametrize("name", NAMES)
def test_cool_downs_grow_to_an_hour(double: Double, name: str) -> None:
    """5, 10, 20, 40, 60, 60 minutes; one success begins anew."""
    stand = Stand.make(double, name)
    stand.place.ask(name)
    double.answer = lambda _asked: Reply(500)
    stand.look()
    for minutes in (5, 10, 20, 40, 60, 60):
        assert stand.later(60.0 * minutes - 1.0) == 0, minutes
        assert stand.later(1.1) == 1, minutes
        assert len(stand.notices) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(double: Double, name: str, status: int) -> None:
    """The other address is never asked, so no token gets there."""
    with running() as elsewhere:
        elsewhere.answer = provider(name, 1.0, 0.0)
        stand = Stand.make(double, name)
        stand.place.ask(name)
        double.answer = lambda asked: Reply(
            status, headers={"Location": elsewhere.url + asked.path}
        )
        stand.look()

        assert elsewhere.asked == []
    (notice,) = stand.notices
    assert f"another address ({status})" in notice.text
    assert "127.0.0.1" not in notice.text
    assert stand.carbon == rest(name)


@pytest.mark.parametrize("name", NAMES)
def test_nobody_listens(double: Double, name: str) -> None:
    """A connection that is refused."""
    stand = Stand.make(double, name)
    stand.place.ask(name)
    double.close()
    stand.look()

    (notice,) = stand.notices
    assert "cannot be reached" in notice.text and stand.carbon == rest(name)


def test_electricity_maps_says_what_is_estimated(double: Double) -> None:
    """The flag is kept and shown; a figure of another kind is refused."""
    stand = Stand.make(double, "electricitymaps")
    stand.place.ask("electricitymaps")
    stand.good(change=set_everywhere("isEstimated", True))
    stand.look()
    assert stand.carbon.live is not None and stand.carbon.live.is_estimated
    assert stand.carbon.basis == "hourly, life-cycle, estimated"

    stand.good(change=set_everywhere("emissionFactorType", "direct"))
    stand.later(901.0)
    assert stand.carbon == rest("electricitymaps")
    assert "not life-cycle" in stand.notices[0].text


def test_an_open_half_hour_is_a_forecast(double: Double) -> None:
    """``actual`` null: NESO's forecast counts, and is called an estimate."""
    stand = Stand.make(double, "uk")
    stand.place.ask("uk")
    stand.good(change=set_everywhere("actual", None))
    stand.look()

    live = stand.carbon.live
    assert live is not None and live.is_estimated and live.intensity_g_per_kwh == LIVE_G + 3
    assert stand.carbon.basis == "half-hourly, direct, estimated"
    assert "CC BY 4.0" in stand.carbon.source


def test_great_britain_stays_in_one_basis(double: Double) -> None:
    """With the provider of direct figures, the table's direct figure counts before and after."""
    stand = Stand.make(double, "uk")
    official = TABLE.find("GB-OFFICIAL")
    assert stand.carbon.factor.basis == "direct" and stand.carbon.factor.zone == "GB"
    assert stand.carbon.factor.intensity_g_per_kwh == official.intensity_g_per_kwh
    stand.place.ask("uk")
    stand.bench.cell(1.0)
    stand.good()
    stand.look()
    stand.bench.cell(1.0)
    double.answer = lambda _asked: Reply(500)
    stand.later(601.0)
    stand.bench.cell(1.0)

    document = stand.bench.session.to_dict()
    assert document["totals"]["bases"] == ["direct"]
    assert [cell["intensity_g_per_kwh"] for cell in document["cells"]] == [
        official.intensity_g_per_kwh, LIVE_G, official.intensity_g_per_kwh
    ]  # fmt: skip
    stand.place.ask("table")
    assert stand.carbon.factor.basis == "life-cycle"


def test_two_bases_are_told(double: Double) -> None:
    """France has no direct figure in the table; the totals and the cell say so."""
    stand = Stand.make(double, "rte")
    stand.place.ask("rte")
    opened = stand.bench.session.open_run("c")
    stand.bench.session.begin(opened)
    stand.bench.pass_time(1.0)
    stand.good()
    stand.look()
    stand.bench.pass_time(1.0)
    stand.bench.session.end(opened.run, stand.bench.session.take(), "ok", 1)

    document = stand.bench.session.to_dict()
    assert document["totals"]["bases"] == ["direct", "life-cycle"]
    assert document["cells"][0]["basis"] == "mixed"


def test_one_danish_area(double: Double) -> None:
    """A bidding zone is asked for alone; of both, one that is missing is no mean."""
    stand = Stand.make(double, "energinet")
    stand.place.ask("energinet")
    client = stand.place._provider
    assert client is not None
    now_s = stand.bench.clock.wall_s()
    stand.good()
    assert client.latest("DK2", now_s).intensity_g_per_kwh == LIVE_G
    assert double.asked[-1].query["filter"] == '{"PriceArea":["DK2"]}'

    stand.good(change=set_everywhere("PriceArea", "DK1"))
    stand.look()
    assert "has no figure of DK1 and DK2, mean now" in stand.notices[0].text


def test_watttime_renews_its_token_once(double: Double) -> None:
    """After half an hour: 401, one login, the same question again; a second 401 is a refusal."""
    stand = Stand.make(double, "watttime")
    stand.place.ask("watttime")
    stand.good()
    stand.look()
    good, spent = double.answer, [BEARER]

    def answer(asked: Asked) -> Reply:
        if asked.path == "/login":
            spent.append("new")
            return says({"token": "new"})
        is_old = asked.headers["authorization"] != f"Bearer {spent[-1]}" or len(spent) == 1
        return Reply(401) if is_old else good(asked)

    double.answer = answer
    before = len(double.asked)
    stand.later(301.0)
    assert [one.path for one in double.asked[before:]] == ["/v3/forecast", "/login", "/v3/forecast"]
    assert stand.reading is not None and stand.notices == ()

    double.answer = lambda asked: says({"token": "x"}) if asked.path == "/login" else Reply(401)
    before = len(double.asked)
    stand.later(301.0)
    assert len(double.asked) - before == 3
    assert "refused the token (401)" in stand.notices[0].text
    assert stand.reading is None


def test_watttime_finds_the_region_of_a_cloud(double: Double) -> None:
    """By the coordinates of the region's city; elsewhere it must be told."""
    stand = Stand.make(double, "watttime", "aws:us-west-1", GREENCELL_WATTTIME_REGION="")
    stand.place.ask("watttime")
    stand.good()
    stand.look()
    (region,) = [one for one in double.asked if one.path == "/v3/region-from-loc"]
    row = TABLE.coordinates("aws:us-west-1")
    assert row is not None
    assert (float(region.query["latitude"]), float(region.query["longitude"])) == row
    assert stand.reading is not None and stand.reading.zone == "CAISO_NORTH"

    at_home = Stand.make(double, "watttime", "FR", GREENCELL_WATTTIME_REGION="")
    at_home.place.ask("watttime")
    assert "GREENCELL_WATTTIME_REGION" in at_home.notices[0].text


def test_a_rank_is_no_intensity(double: Double) -> None:
    """WattTime's index from 0 to 100 is refused, as is a unit that nobody knows."""
    for units in ("percentile", "kg"):
        stand = Stand.make(double, "watttime")
        stand.place.ask("watttime")
        stand.good(change=set_everywhere("units", units))
        stand.look()
        assert stand.reading is None
        assert "which is no intensity" in stand.notices[0].text


@pytest.mark.parametrize("bad", ["", "a\nb", "x" * 5_000, 7])
def test_watttime_gives_no_token(double: Double, bad: object) -> None:
    """A login that brings nothing usable."""
    stand = Stand.make(double, "watttime")
    stand.place.ask("watttime")
    good = provider("watttime", LIVE_G, stand.bench.clock.wall_s())
    double.answer = lambda asked: says({"token": bad}) if asked.path == "/login" else good(asked)
    stand.look()

    assert stand.reading is None
    assert "token that cannot be one" in stand.notices[0].text


@pytest.mark.parametrize(
    ("zone", "query"),
    [
        ("DE", {"zone": "DE"}),
        ("AU-NSW", {"zone": "AU-NSW"}),
        ("CA-QC", {"zone": "CA-QC"}),
        ("SE-SE3", {"zone": "SE-SE3"}),
        ("aws:eu-west-3", {"dataCenterProvider": "aws", "dataCenterRegion": "eu-west-3"}),
        ("gcp:us-central1", {"dataCenterProvider": "gcp", "dataCenterRegion": "us-central1"}),
        ("hetzner:fsn1", {"zone": "DE"}),
        ("US-CA", None),
        ("EGRID-CAMX", None),
        ("CA-NL", None),
        ("WORLD", None),
        ("digitalocean:nyc1", None),
    ],
)
def test_where_electricity_maps_is_asked(
    double: Double, zone: str, query: dict[str, str] | None
) -> None:
    """Only by keys that are known to mean the same; else one line says why not."""
    stand = Stand.make(double, "electricitymaps", zone)
    stand.good()
    stand.place.ask("electricitymaps")
    stand.look()

    if query is None:
        assert double.asked == [] and stand.place.provider is None
        (notice,) = stand.notices
        assert "%greencell zone" in notice.remedy and zone in notice.text
    else:
        assert query.items() <= double.asked[0].query.items()
        assert stand.carbon.factor.intensity_g_per_kwh == LIVE_G


@pytest.mark.parametrize(("name", "zone"), [("uk", "FR"), ("rte", "DE"), ("energinet", "SE")])
def test_a_national_provider_knows_one_country(double: Double, name: str, zone: str) -> None:
    """Elsewhere it is not asked; after a move to its country it is, cloud regions too."""
    stand = Stand.make(double, name, zone)
    stand.good()
    stand.place.ask(name)
    stand.look()
    assert double.asked == [] and "alone" in stand.notices[0].text

    stand.place.move({"uk": "aws:eu-west-2", "rte": "aws:eu-west-3", "energinet": "DK"}[name])
    stand.look()
    assert stand.carbon.factor.intensity_g_per_kwh == LIVE_G and stand.notices == ()


def test_a_move_asks_for_the_new_place_and_drops_the_old_answer(double: Double) -> None:
    """An answer that was on its way is about another place; it counts nowhere."""
    stand = Stand.make(double, "electricitymaps")
    stand.place.ask("electricitymaps")
    good = provider("electricitymaps", LIVE_G, stand.bench.clock.wall_s())

    def moved_meanwhile(asked: Asked) -> Reply:
        if asked.query["zone"] == "FR":
            stand.place.move("DE")
        return good(asked)

    double.answer = moved_meanwhile
    stand.look()
    assert stand.carbon.factor == TABLE.find("DE").factor(1.0)
    stand.look()
    assert stand.carbon.live is not None and stand.carbon.live.zone == "DE"
    assert stand.carbon.factor.zone == "DE"


def test_the_same_area_under_another_name_keeps_its_figure(double: Double) -> None:
    """France and a cloud region in it are one grid to RTE: nothing is asked twice."""
    stand = Stand.make(double, "rte")
    stand.good()
    stand.place.ask("rte")
    stand.look()
    stand.place.move("aws:eu-west-3")

    assert len(double.asked) == 1
    assert stand.carbon.factor.zone == "aws:eu-west-3"
    assert stand.carbon.factor.intensity_g_per_kwh == LIVE_G
    assert stand.carbon.factor.pue == TABLE.find("aws:eu-west-3").pue


def test_nobody_works_nobody_asks(double: Double) -> None:
    """After half an hour without a cell; a figure of more than 3 hours ago counts no more."""
    stand = Stand.make(double, "rte")
    stand.good()
    stand.place.ask("rte")
    stand.look()
    clock = stand.bench.clock
    for _ in range(int(4 * 3600 / 60)):
        clock.advance(60.0)
        stand.look()
    assert len(double.asked) == 1 + int(QUIET_AFTER_S / 900.0) - 1
    assert stand.carbon == rest("rte") and stand.notices == ()

    stand.good()
    stand.bench.cell(1.0)
    stand.look()
    assert stand.carbon.live is not None


def test_a_forecast_is_asked_for_twice_an_hour(double: Double) -> None:
    """From the point that holds now; where there is none, nothing is invented."""
    stand = Stand.make(double, "electricitymaps")
    stand.good(ago_s=0.0)
    stand.place.ask("electricitymaps")
    assert stand.place.forecast is None
    for _ in range(60):
        stand.later(60.0)
    forecasts = [one for one in double.asked if one.path.endswith("forecast")]
    assert len(forecasts) == 2
    forecast = stand.place.forecast
    assert forecast is not None and forecast.basis == "life-cycle"
    now_s = stand.bench.clock.wall_s()
    assert forecast.points[0].at <= now_s < forecast.points[1].at
    assert [p.intensity_g_per_kwh for p in forecast.points[:2]] == [LIVE_G + 1, LIVE_G + 2]

    stand.place.ask("table")
    assert stand.place.forecast is None
    without = Stand.make(double, "rte")
    without.good()
    without.place.ask("rte")
    without.look()
    assert without.place.forecast is None


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_plan_without_forecast_keeps_its_figure(double: Double, status: int) -> None:
    """Electricity Maps' free plan has none: no notice, and a refusal is not asked again."""
    stand = Stand.make(double, "electricitymaps")
    stand.place.ask("electricitymaps")
    good = provider("electricitymaps", LIVE_G, stand.bench.clock.wall_s())
    double.answer = lambda asked: Reply(status) if asked.path.endswith("forecast") else good(asked)
    stand.look()
    for _ in range(4):
        stand.later(901.0)

    assert stand.carbon.live is not None and stand.notices == ()
    assert stand.place.forecast is None
    count = sum(one.path.endswith("forecast") for one in double.asked)
    assert count == (1 if status in (401, 403) else 3)


def test_too_often_for_a_forecast_leaves_the_provider_alone(double: Double) -> None:
    """It asked for peace; the reading stays meanwhile."""
    stand = Stand.make(double, "electricitymaps")
    stand.place.ask("electricitymaps")
    good = provider("electricitymaps", LIVE_G, stand.bench.clock.wall_s())
    slow = Reply(429, headers={"Retry-After": "3000"})
    double.answer = lambda asked: slow if asked.path.endswith("forecast") else good(asked)
    stand.look()

    assert stand.later(2_990.0) == 0
    assert stand.carbon.live is not None
    assert stand.later(20.0) == 2


def test_a_figure_set_by_hand_wins(double: Double) -> None:
    """Nobody is asked, and one line says so; a zone chosen later goes back to the table."""
    bench = Bench.make()
    home = carbon_info(
        Location(TABLE.find("FR"), "setting", "set by the user"), Wishes(None, 12.0, None)
    )
    bench.session.set_carbon(home)
    place = Place(bench.session, TABLE, Wishes(None, 12.0, None), home=home)
    with pytest.raises(UsageError, match="intensity_g_per_kwh is set and wins"):
        place.ask("rte")
    assert place.begin("rte") is not None
    (notice,) = [n for n in bench.session.notices() if n.id == "live:rte"]
    assert "wins" in notice.text
    assert bench.session.carbon == home and opening(home, TABLE, "uk") == home


def test_an_answer_that_breaks_its_reader_is_nonsense(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours in a parser is no worse than a bad answer."""
    stand = Stand.make(double, "rte")
    stand.place.ask("rte")

    def broken(_self: Endpoint, *_args: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(Endpoint, "get", broken)
    stand.look()
    assert "cannot be read" in stand.notices[0].text and stand.carbon == rest("rte")


def test_a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No such host."""

    def unknown(*_args: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match="cannot be found"):
        Endpoint("https://nowhere.invalid", 1.0).get("/")


def test_a_server_without_tls(double: Double) -> None:
    """https to a server that speaks http: no secure connection, and no token in the clear."""
    with pytest.raises(Unavailable):
        Endpoint(double.url.replace("http://", "https://"), 1.0).get(
            "/", headers={"auth-token": Secret(TOKEN)}
        )
    assert double.asked == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost with its key, which nobody trusts unless told to."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", f"{path}.crt",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_over_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to all real providers: a figure where the certificate is trusted, one deadline too."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with running(server) as double:
        double.answer = lambda _asked: says({"carbonIntensity": 41})
        endpoint = Endpoint(double.url, 2.0)
        with pytest.raises(Unavailable, match="shows no valid certificate"):
            endpoint.get("/", headers={"auth-token": Secret(TOKEN)})
        assert double.asked == []

        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        assert endpoint.get("/x", {"a": "ü &"}) == {"carbonIntensity": 41}
        assert double.asked[-1].query == {"a": "ü &"}
        double.answer = lambda _asked: Reply(drip_s=0.05)
        began_s = time.monotonic()
        with pytest.raises(Unavailable, match="in time"):
            Endpoint(double.url, TIMEOUT_S).get("/")
        assert time.monotonic() - began_s < TIMEOUT_S + 0.3


def test_a_handshake_that_hangs() -> None:
    """A server that accepts and says nothing, before any secure connection."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        with pytest.raises(Unavailable, match="in time"):
            Endpoint(f"https://127.0.0.1:{silent.getsockname()[1]}", TIMEOUT_S).get("/")
        assert time.monotonic() - began_s < TIMEOUT_S + 0.3


def test_what_is_not_http(double: Double) -> None:
    """A status line that is none."""
    double.answer = lambda _asked: Reply(99999)
    with pytest.raises(Nonsense):
        Endpoint(double.url, 1.0).get("/")
