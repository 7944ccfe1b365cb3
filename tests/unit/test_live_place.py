"""Live figures in a session: exact sums, no leaks, nothing in the way, nothing unless asked."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from carbon_provider_double import (
    BEARER,
    ENVIRONMENT,
    PASSWORD,
    TOKEN,
    USER,
    Double,
    Reply,
    provider,
    running,
)
from live_support import LIVE_G, NAMES, TABLE, Stand, rest

from greencell import report
from greencell.carbon.address import base_address
from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.live.choice import open_provider
from greencell.carbon.live.secret import Secret, secret_from
from greencell.carbon.location import Location
from greencell.clock import SystemClock
from greencell.control import Control
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.feed import Feed
from greencell.magics import HELP, Magics
from greencell.place import Place
from greencell.settings import Settings, read_settings
from greencell.units import J_PER_KWH
from tests_support import Bench, RecordingOutlet


@pytest.fixture
def double() -> Iterator[Double]:
    with running() as double:
        yield double


# -- exact ------------------------------------------------------------------------------------


def test_a_long_cell_is_the_integral_of_power_and_intensity(double: Double) -> None:
    """The figure moves within the cell, and so does the power; grams to 1e-9, and sums exactly."""
    stand = Stand.make(double, "electricitymaps")
    bench = stand.bench
    stand.place.ask("electricitymaps")
    opening = bench.session.open_run("long")
    bench.session.begin(opening)
    true_g, energies_j = 0.0, []
    for step, (power_w, figure) in enumerate(
        ((20.0, 30.0), (90.0, 80.0), (5.0, 45.5), (60.0, 0.0))
    ):
        stand.good(figure)  # the last one is no figure: back to the table
        stand.look()
        expected = figure or rest("electricitymaps").factor.intensity_g_per_kwh
        assert bench.session.carbon.factor.intensity_g_per_kwh == expected
        bench.counter.power_w = power_w
        before_j = bench.counter.true_j + bench.gauge.true_j
        bench.pass_time(901.0 if step % 2 else 950.0)
        energies_j.append(bench.counter.true_j + bench.gauge.true_j - before_j)
        true_g += energies_j[-1] * expected / J_PER_KWH
    bench.session.end(opening.run, bench.session.take(), "ok", 1)
    bench.cell(1.0)

    document = bench.session.to_dict()
    long, short = document["cells"]
    assert long["co2_kg"] * 1000.0 == pytest.approx(true_g, rel=1e-9)
    mean = true_g / sum(energies_j) * J_PER_KWH
    assert long["intensity_g_per_kwh"] == pytest.approx(mean, rel=1e-9)
    assert long["zone"] == "FR" and long["basis"] == "life-cycle"
    totals = document["totals"]
    between_kwh = totals["between_cells_energy_kwh"]
    assert between_kwh == pytest.approx(0.0, abs=1e-9)
    assert totals["co2_kg"] == pytest.approx(long["co2_kg"] + short["co2_kg"], rel=1e-9)
    assert totals["energy_kwh"] == pytest.approx(
        sum(energies_j) / J_PER_KWH + short["energy_kwh"], rel=1e-9
    )


def test_a_marginal_figure_moves_no_sum(double: Double) -> None:
    """WattTime stands beside: the same session to the bit as without it."""
    stand, bare = Stand.make(double, "watttime"), Bench.make()
    bare.session._carbon = rest("watttime")
    stand.place.ask("watttime")
    for bench in (stand.bench, bare):
        bench.cell(1.0)
        if bench is stand.bench:
            stand.good(700.0)
            stand.look()
        else:
            bench.session.set_carbon(rest("watttime"))
        bench.cell(2.0)
        bench.session.set_carbon(bench.session.carbon)

    ours, theirs = stand.bench.session.to_dict(), bare.session.to_dict()
    assert ours["totals"] == theirs["totals"]
    for cell, other in zip(ours["cells"], theirs["cells"], strict=True):
        assert {**cell, "started_at": 0} == {**other, "started_at": 0}
    assert ours["carbon"]["marginal"]["intensity_g_per_kwh"] == pytest.approx(700.0)
    assert ours["carbon"]["live"] is None
    assert {**ours["carbon"], "marginal": None} == theirs["carbon"]


def test_the_table_counts_until_the_first_reading(double: Double) -> None:
    """And a cell that ends before it is booked at the table's figure."""
    stand = Stand.make(double, "electricitymaps")
    stand.place.ask("electricitymaps")
    stand.bench.cell(1.0)
    stand.good()
    stand.look()
    stand.bench.cell(1.0)

    first, second = stand.bench.session.cells
    assert first.intensity_g_per_kwh == rest("electricitymaps").factor.intensity_g_per_kwh
    assert second.intensity_g_per_kwh == LIVE_G


def test_an_unchanged_answer_disturbs_no_one(double: Double) -> None:
    """The same reading again is no reason to sample."""
    stand = Stand.make(double, "rte")
    stand.good()
    stand.place.ask("rte")
    stand.look()
    calls = []
    stand.bench.session.set_carbon = calls.append  # type: ignore[assignment,method-assign]
    stand.later(901.0)
    assert calls == []


# -- calm -------------------------------------------------------------------------------------


def test_pages_hear_of_it_at_the_next_cell(double: Double) -> None:
    """Nothing is pushed at idle; the snapshot that a page asks for has it at once."""
    stand = Stand.make(double, "electricitymaps")
    session, outlet = stand.bench.session, RecordingOutlet()
    session.feed = Feed(session, outlet, stand.bench.clock)
    stand.good()
    stand.place.ask("electricitymaps")
    stand.look()
    session.feed.beat()
    assert outlet.messages == []
    control = Control(session, session.feed, stand.place)
    answer = control.answer({"wire": 1, "op": "snapshot"})
    assert answer["snapshot"]["info"]["carbon"]["live"]["intensity_g_per_kwh"] == LIVE_G

    session.feed.asked = True
    opening = session.open_run("c")
    session.begin(opening)
    session.settle()
    session.feed.beat()
    session.feed.beat()
    (status,) = [m for m in outlet.messages if m["kind"] == "status"]
    assert status["info"]["carbon"]["live"]["provider"] == "Electricity Maps"


def _threaded(double: Double) -> Place:
    bench = Bench.make()
    home = carbon_info(Location(TABLE.find("FR"), "setting", "set by the user"), Wishes())
    bench.session._carbon = home
    return Place(
        bench.session, TABLE, Wishes(), home=home, clock=SystemClock(),
        providers=lambda name: open_provider(name, ENVIRONMENT, double.url, 5.0),
    )  # fmt: skip


def _wait_for(true: Any, timeout_s: float = 5.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def _live_threads() -> int:
    return [thread.name for thread in threading.enumerate()].count("greencell-live")


def test_the_thread_asks_at_once_and_ends_at_once(double: Double) -> None:
    """Real time: a reading soon after the start; no thread after the end."""
    place = _threaded(double)
    double.answer = provider("rte", LIVE_G, time.time())
    place.ask("rte")
    _wait_for(lambda: place.carbon.live is not None)
    assert _live_threads() == 1
    place.move("DE")
    assert place.carbon.live is None
    place.move("FR")
    _wait_for(lambda: place.carbon.live is not None)
    place.stop()
    place.stop()
    assert _live_threads() == 0


def test_a_request_that_hangs_holds_nobody(double: Double) -> None:
    """The caller is not waited for, a move is not, and the end is not."""
    place = _threaded(double)
    double.answer = lambda _asked: Reply(hangs=True)
    began_s = time.monotonic()
    place.ask("rte")
    assert time.monotonic() - began_s < 0.2
    _wait_for(lambda: double.asked)
    began_s = time.monotonic()
    place.move("DE")
    place.move("FR")
    place.stop()
    assert time.monotonic() - began_s < 0.5
    thread = place._thread
    assert thread is not None
    double.released.set()  # and where the answer comes at last, it counts nowhere
    _wait_for(lambda: not thread.alive)
    assert place.carbon.live is None and place._session.place_notices == ()


def test_a_forked_child_asks_nothing(double: Double) -> None:
    """No thread, no lock that the parent's thread may have held."""
    place = _threaded(double)
    place._lock.acquire()
    place.abandon_after_fork()
    place._pid += 1
    place.move("DE")
    place.ask("rte")
    assert place._thread is None and double.asked == []


# -- nothing leaks ----------------------------------------------------------------------------


def _everything(stand: Stand) -> list[str]:
    """All that a person, a page or a file could get to see."""
    session = stand.bench.session
    outlet = RecordingOutlet()
    session.feed = Feed(session, outlet, stand.bench.clock)
    session.feed.hello({})
    session.feed.changed()
    document = session.to_dict()
    texts = [repr(document), repr(outlet.messages), repr(session.feed.snapshot())]
    texts += [report.render(document, name) for name in report.FORMATS]
    texts += [repr(notice) for notice in session.notices()]
    texts += [repr(session.health), repr(session.view(live=True)), repr(stand.place.forecast)]
    place = stand.place
    objects: list[Any] = [place, place._provider, place._watch, place._target, place._said]
    seen: set[int] = set()
    while objects:
        one = objects.pop()
        if one is None or id(one) in seen or isinstance(one, (str, bytes)):
            continue
        seen.add(id(one))
        texts += [repr(one), str(one), f"{one}"]
        if isinstance(one, dict):
            objects += [*one, *one.values()]
        elif isinstance(one, (list, tuple, set)):
            objects += one
        elif type(one).__module__.startswith("greencell.") and not isinstance(one, Secret):
            objects.append(getattr(one, "__dict__", None))
            slots = [s for kind in type(one).__mro__ for s in getattr(kind, "__slots__", ())]
            objects += [getattr(one, slot, None) for slot in slots]
            texts += [repr(getattr(one, slot, None)) for slot in slots]
    return texts


@pytest.mark.parametrize("name", ["electricitymaps", "watttime"])
@pytest.mark.parametrize("case", ["good", "401", "echo", "garbled", "hang", "reset", "redirect"])
def test_no_token_is_ever_shown(
    double: Double, name: str, case: str, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    """Not in a log, notice, document, export, message, repr, nor in an error with its traceback."""
    caplog.set_level(logging.DEBUG)
    stand = Stand.make(double, name)
    stand.good()
    secrets = " ".join((TOKEN, USER, PASSWORD, BEARER))
    wrong = {
        "401": Reply(401, secrets.encode()),
        "echo": Reply(200, secrets.encode()),
        "garbled": Reply(500, secrets.encode(), {"X-Echo": secrets}),
        "hang": Reply(hangs=True),
        "reset": Reply(resets=True),
        "redirect": Reply(302, headers={"Location": f"http://127.0.0.1:1/?{TOKEN}"}),
    }
    good = double.answer
    if case != "good":
        double.answer = lambda asked: good(asked) if asked.path == "/login" else wrong[case]
    stand.place.ask(name)
    stand.look()
    assert any(TOKEN in str(one.headers) or "authorization" in one.headers for one in double.asked)
    client = stand.place._provider
    assert client is not None
    texts = _everything(stand)
    if case != "good":
        with pytest.raises(Exception) as raised:  # noqa: PT011  # whatever it is, its text counts
            client.latest("FR", stand.bench.clock.wall_s())
        texts.append("".join(traceback.format_exception(raised.value)))
        assert raised.value.__cause__ is None
    texts += [record.getMessage() for record in caplog.records]
    out = capsys.readouterr()
    texts += [out.out, out.err]

    login = open_provider("watttime", ENVIRONMENT)._login.reveal()  # type: ignore[attr-defined]
    hidden = (TOKEN, USER, PASSWORD, BEARER, login.removeprefix("Basic "))
    for text in texts:
        assert not any(secret in text for secret in hidden), text[:500]


@pytest.mark.parametrize(
    "bad",
    [
        "two\nlines", "carriage\rreturn", "nul\0", "tab\there", "  ", "\n", "x" * 4_097,
        "\x1b[31mred", "zero\u200bwidth", "naïve",
    ],
)  # fmt: skip
def test_what_cannot_be_a_token_is_refused_in_one_line(bad: str) -> None:
    """The line names the variable and does not show what stands in it."""
    with pytest.raises(UsageError) as refused:
        secret_from({"TOKEN": bad}, "TOKEN")

    line = str(refused.value)
    assert line.startswith("TOKEN ") and line.isprintable()
    assert bad.strip() == "" or bad not in line
    assert "two" not in line and "xxx" not in line
    assert refused.value.__cause__ is None and refused.value.__suppress_context__


def test_a_secret_is_not_copied_out() -> None:
    """No repr, format, pickle or copy has it."""
    secret = Secret(TOKEN)
    assert TOKEN not in f"{secret!r} {secret} {secret!s}" + repr([secret]) + repr({"a": secret})
    for store in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            store(secret)


@pytest.mark.parametrize(("name", "variable"), [
    ("electricitymaps", "GREENCELL_ELECTRICITYMAPS_TOKEN"),
    ("watttime", "GREENCELL_WATTTIME_USER"), ("watttime", "GREENCELL_WATTTIME_PASSWORD"),
])  # fmt: skip
@pytest.mark.parametrize("value", ["", "with a\nline break"])
def test_a_bad_token_at_the_start_is_one_line_and_the_table(
    double: Double, name: str, variable: str, value: str
) -> None:
    """Nothing is asked; the notice says what to set."""
    stand = Stand.make(double, name, **{variable: value})
    line = stand.place.begin(name)

    assert line is not None and variable in line and "line break" not in line.split("as a")[0]
    (notice,) = stand.notices
    assert notice.text == line and variable in notice.remedy and len(line) <= 200
    assert stand.carbon == rest(name) and double.asked == []
    stand.place.move("DE")
    assert stand.notices == (notice,)


# -- settings, magics, words ------------------------------------------------------------------


def test_the_setting_takes_each_provider() -> None:
    """Others are named in one line, and the table is used."""
    for name in ("table", *NAMES):
        read = read_settings({"GREENCELL_INTENSITY_PROVIDER": name.upper()}, {})
        assert read.settings.intensity_provider == name and read.problems == ()
    (problem,) = read_settings({"GREENCELL_INTENSITY_PROVIDER": "oracle"}, {}).problems
    assert all(name in problem for name in NAMES)
    read = read_settings({"GREENCELL_INTENSITY_PROVIDER": "uk"}, {"intensity_g_per_kwh": 12})
    assert read.settings.intensity_provider == "table"
    assert "uk is not asked" in read.problems[0]


@pytest.mark.parametrize(
    "good",
    [
        "https://mirror.example.org", "https://mirror.example.org:8443/em/", "http://localhost:9",
        "http://127.0.0.1:9", "http://[::1]:9/x",
    ],
)  # fmt: skip
def test_an_address_that_may_be_asked(good: str) -> None:
    """https, or http on this machine."""
    read = read_settings({"GREENCELL_INTENSITY_PROVIDER_URL": good}, {})
    assert read.problems == ()
    assert read.settings.intensity_provider_url == good.rstrip("/") == base_address(good)


@pytest.mark.parametrize(
    "bad",
    [
        "http://example.org", "ftp://example.org", "example.org", "https://", "file:///etc/passwd",
        "https://example.org/?key=1", "https://example.org/#x", "https://a b", "https://exämple.org",
        "https://example.org:99999", "https://example.org:0", "http://127.0.0.1.example.org",
        "https://x\ny", "https://[", "https://" + "x" * 600, "https://me:sesame@example.org",
    ],
)  # fmt: skip
def test_an_address_that_may_not(bad: str) -> None:
    """One line; a password in it is not repeated."""
    read = read_settings({"GREENCELL_INTENSITY_PROVIDER_URL": bad}, {})
    assert read.settings == Settings()
    (problem,) = read.problems
    assert "GREENCELL_INTENSITY_PROVIDER_URL" in problem and "\n" not in problem
    assert "sesame" not in problem


def _said(stand: Stand, line: str, capsys: pytest.CaptureFixture[str]) -> str:
    words = SimpleNamespace(session=stand.bench.session, place=stand.place, tell_pages=lambda: None)
    words.live_words = lambda: Extension.live_words(words)  # type: ignore[arg-type]
    capsys.readouterr()
    Magics(words, print).line(line)  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return out.strip().replace("\u202f", " ")


def test_the_magic_shows_and_sets(double: Double, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each: nobody, asked, a figure with its age, a failure, a mistake, off."""
    stand = Stand.make(double, "electricitymaps")
    assert "nobody is asked" in _said(stand, "live", capsys)
    assert "no answer yet" in _said(stand, "live electricitymaps", capsys)
    stand.good(41.0, ago_s=720.0)
    stand.look()
    assert _said(stand, "live", capsys) == (
        "greencell: Electricity Maps, FR: 41.0 g/kWh, life-cycle, of 12 min 00 s ago"
    )
    double.answer = lambda _asked: Reply(500)
    stand.later(901.0)
    assert "out of order (500); the table's figure is used." in _said(stand, "live", capsys)
    assert "choose one of electricitymaps, uk" in _said(stand, "live oracle", capsys)
    assert "Usage" in _said(stand, "live a b", capsys)
    assert "nobody is asked" in _said(stand, "live OFF", capsys)
    assert stand.notices == ()
    marginal = Stand.make(double, "watttime")
    marginal.good(400.0)
    assert "no answer yet" in _said(marginal, "live watttime", capsys)
    marginal.look()
    assert "marginal" in _said(marginal, "live", capsys)
    assert "in no sum" in _said(marginal, "live", capsys)
    assert "live" in HELP


# -- nothing unless asked ---------------------------------------------------------------------

_IMPORTS = """
import sys
import greencell.load, greencell.magics, greencell.control, greencell.cli, greencell.api
from greencell.carbon.grid_table import GridTable
from greencell.equipment import equip
from greencell.place import Place, opening
from greencell.running_session import Session
from greencell.settings import read_settings
from greencell.carbon.carbon_info import Wishes
table = GridTable()
read = read_settings({environment}, {{}})
equipped = equip(read, {{}}, table)
opening(equipped.equipment.carbon, table, read.settings.intensity_provider)
session = Session(equipped.equipment)
place = Place(session, table, Wishes())
assert place.begin("table") is None
place.move("DE"); place.forecast; session.to_dict(); place.stop(); session.close()
print([name for name in sys.modules
    if name.startswith("greencell.carbon.live") or name in ("ssl", "http.client", "urllib.request")])
"""


def test_nothing_of_the_network_is_imported_unless_asked_for() -> None:
    """Neither our rooms nor the library's."""
    for environment, expected in (
        ({}, True), ({"GREENCELL_INTENSITY_PROVIDER": "table"}, True),
        ({"GREENCELL_INTENSITY_PROVIDER": "uk"}, False),
    ):  # fmt: skip
        code = _IMPORTS.format(environment=repr(environment))
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert (done.stdout.strip() == "[]") is expected, done.stdout
