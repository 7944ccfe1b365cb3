"""The wire: golden messages, sizes, and requests that may be anything."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell import wire
from greencell.feed import Feed
from greencell.ledger import Opening
from greencell.page_requests import OPS, decode_request
from greencell.wire import BadRequest
from tests_support import CARBON, Bench, RecordingOutlet

FOLDER = Path(__file__).parents[1] / "wire"
GOLDEN = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
FORBIDDEN = {"state", "method", "buffer_paths"}


def shape(value: Any) -> Any:
    """Keys of objects, deep; what lists hold, by their first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in _OPEN}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


_OPEN = {"by_component_j", "by_component_w", "skipped", "notices", "flags", "gpus"}


def messages() -> dict[str, Any]:
    """One message of each kind, made by the kernel's own code."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    bench.session.feed = feed
    feed.hello({})
    opening = bench.session.open_run("c3f0", label="train")
    bench.session.begin(opening)
    feed.probe()
    for seconds in (0.1, 1.2, 0.5, 4.0):
        bench.pass_time(seconds)
        feed.beat()
    bench.session.end(opening.run, bench.session.take(), "ok", 3)
    (record,) = bench.session._settle()
    feed.cell_ended(record)
    feed.beat()
    feed.changed()
    found: dict[str, Any] = {}
    for message in outlet.messages:
        found[message["kind"]] = message
    return found


@pytest.mark.parametrize("kind", ["hello", "cell-start", "tick", "cell-end", "status", "snapshot"])
def test_messages_have_the_shape_of_the_golden_ones(kind: str) -> None:
    """Same names on both sides of the border."""
    made, golden = messages()[kind], GOLDEN[kind]

    for key in ("info", "totals", "running", "record"):
        if golden.get(key) is not None and made.get(key) is not None:
            golden_keys = set(shape(golden[key]))
            assert golden_keys <= set(made[key]) | _OPEN, key
    assert set(golden) == set(made)


def test_no_message_has_a_key_that_breaks_headless_runners() -> None:
    """nbclient takes a top-level ``state`` for a widget's."""
    for message in [*messages().values(), *GOLDEN.values()]:
        assert not FORBIDDEN & set(message)


def test_a_tick_is_small_and_everything_is_finite() -> None:
    """At most 1 KB, plain JSON."""
    made = messages()

    assert len(json.dumps(made["tick"])) <= 1_000
    for message in made.values():
        json.dumps(message, allow_nan=False)


def test_ticks_come_slower_the_longer_a_cell_runs_and_never_in_a_burst() -> None:
    """One per max(1 s, elapsed/200); a hold of the interpreter is not caught up."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    feed.asked = True
    bench.pass_time(0.1)
    feed.beat()
    bench.clock.advance(6.9)
    bench.session.sample()
    for _ in range(5):
        feed.beat()
    assert len(outlet.messages) == 2  # the start mark, and one of the seven

    bench.clock.advance(1_993.0)
    bench.session.sample()
    outlet.messages.clear()
    for _ in range(100):
        bench.clock.advance(1.0)
        bench.session.sample()
        feed.beat()
    assert len(outlet.messages) <= 11


@pytest.mark.parametrize("cells_before", [0, 30])
@pytest.mark.parametrize("elapsed_s", [0, 3, 200, 3_600, 20_000])
def test_a_page_that_is_away_for_a_minute_has_little_to_catch_up(
    cells_before: int, elapsed_s: int
) -> None:
    """The server keeps what is sent meanwhile: at most 60 messages, below 1 KB/s, in any cell."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    for _ in range(cells_before):
        bench.cell(0.3)
    opening = bench.session.open_run("0123456789abcdef", label="train")
    bench.session.begin(opening)
    feed.asked = True
    bench.pass_time(0.1)
    feed.beat()
    for _ in range(elapsed_s):
        bench.clock.advance(1.0)
        bench.session.sample()
        feed.beat()
    outlet.messages.clear()
    for _ in range(600):
        bench.pass_time(0.1)
        feed.beat()

    assert len(outlet.messages) <= 60
    assert sum(len(json.dumps(message)) for message in outlet.messages) < 60 * 1_000
    assert [m["kind"] for m in outlet.messages].count("snapshot") <= 1


def test_earlier_records_come_in_pages() -> None:
    """The latest before a number, oldest first; what is no number is refused in one line."""
    bench = Bench.make()
    for _ in range(5):
        bench.cell(0.1)
    records = bench.session.cells

    answer = wire.page(records, "4")
    assert [cell["number"] for cell in answer["cells"]] == [1, 2, 3]
    assert answer["more"] == 0
    assert wire.page(records, "1") == {"cells": [], "more": 0}
    many = [replace(records[0], number=n, run=str(n)) for n in range(1, 2_501)]
    answer = wire.page(many, "2501")
    assert [answer["cells"][0]["number"], answer["cells"][-1]["number"]] == [1_501, 2_500]
    assert answer["more"] == 1_500
    for wrong in ("x", "-1", "1.5", "٣", "1e3", "NaN"):
        with pytest.raises(wire.BadRequest, match="number of a run"):
            wire.page(records, wrong)


def test_a_page_that_lost_a_message_is_healed_once_a_minute() -> None:
    """By a snapshot in place of a tick, the first when a cell has run for 5 s."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    feed.asked = True
    bench.pass_time(0.1)
    feed.beat()
    for second in range(130):
        bench.pass_time(1.0 if second else 0.9)
        feed.beat()

    kinds = [m["kind"] for m in outlet.messages[1:]]
    assert [second for second, kind in enumerate(kinds, 1) if kind == "snapshot"] == [5, 65, 125]
    assert len(kinds) == 130


def test_the_figures_of_a_tick_are_of_its_own_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the sampler's last sample, whose second may have begun long before the cell."""
    bench = Bench.make()
    monkeypatch.setattr(bench.session, "_period_s", lambda _: 1.0)  # as where there is no gauge
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    bench.session.feed = feed
    bench.session._do_all()
    bench.clock.advance(0.9)
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    feed.asked = True
    bench.clock.advance(0.1)
    bench.session._do_all()  # the sampler's own second is over; the start is told
    bench.clock.advance(0.9)
    bench.session._do_all()

    tick = outlet.messages[-1]
    assert tick["kind"] == "tick"
    assert tick["running"]["elapsed_s"] == pytest.approx(1.0)
    assert tick["running"]["energy_j"] == pytest.approx(90.0, rel=0.01)


def test_a_source_that_falls_silent_is_told_at_the_next_tick_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Snapshots carry notices too, but only once a minute."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    feed.hello({})
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    feed.asked = True
    for _ in range(10):
        bench.pass_time(1.0)
        feed.beat()
    assert "status" not in [m["kind"] for m in outlet.messages]

    notice = wire.Notice("silent:rapl:package-0", "warning", "does not answer", "look")
    monkeypatch.setattr(type(bench.session), "notices", lambda _self: (notice,))
    outlet.messages.clear()
    for _ in range(10):
        bench.pass_time(1.0)
        feed.beat()
    told = [m for m in outlet.messages if m["kind"] == "status"]

    assert [m["notices"][0]["id"] for m in told] == ["silent:rapl:package-0"]
    assert outlet.messages.index(told[0]) == 0


def test_nothing_is_sent_while_idle() -> None:
    """A push at idle would keep a hub from culling the kernel."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    for _ in range(20):
        bench.pass_time(1.0)
        feed.probe()
        feed.beat()

    assert outlet.messages == []


def test_a_probe_in_a_cell_brings_a_snapshot_at_once() -> None:
    """A reloaded page is right again without waiting for the period."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    feed.asked = True
    bench.pass_time(2.0)
    feed.probe()
    feed.beat()

    assert "snapshot" in [m["kind"] for m in outlet.messages]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
requests = json_values | st.fixed_dictionaries(
    {"wire": st.just(1) | json_values, "op": st.sampled_from(OPS) | json_values},
    optional={
        "format": json_values,
        "zone": json_values,
        "label": json_values,
        "query": json_values,
        "session": json_values,
        "notebook": json_values,
        "names": json_values | st.dictionaries(st.text(), st.text()),
    },
)


@given(requests)
def test_a_request_may_be_anything(content: Any) -> None:
    """Checked, or refused in one line; never another exception."""
    try:
        request = decode_request(content)
    except BadRequest as refusal:
        assert "\n" not in str(refusal)
    else:
        assert request.op in OPS


@given(st.floats())
def test_numbers_are_finite_or_null(value: float) -> None:
    """NaN and infinity never travel."""
    sent = wire.number(value)

    assert sent is None or math.isfinite(sent)
    assert math.isfinite(value) == (sent is not None)


def test_an_opening_is_plain_data() -> None:
    """What a start mark is made of."""
    assert Opening("r", 1, None, None).is_cell
    assert CARBON.factor.g_per_j == pytest.approx(41.4 / 3.6e6)
