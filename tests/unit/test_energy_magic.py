"""%energy over simulated hardware in virtual time: what it says against the truth."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from greencell.energy_magic import EnergyMagic, EnergyResult, options_of
from greencell.errors import UsageError
from greencell.meter import Meter
from greencell.model import Attribution
from greencell.repetition import BUDGET_S, LEAST_S
from greencell.running_session import Equipment, Session
from greencell.testing import FakeClock, FakeCounter, FakeMachineClock, FakeModel, FakeTreeClock
from tests_support import CARBON, HOST, StillThread

IDLE_W = 18.0


class Lab:
    """A shell and a session on one simulated counter, or a model; ``work`` draws ``power_w``."""

    def __init__(
        self, *, attribution: Attribution = "machine", modelled: bool = False,
        relative_error: float = 0.03, reserved: float = 1.0,
    ) -> None:  # fmt: skip
        self.tree = FakeTreeClock()
        machine = FakeMachineClock(self.tree)
        self.counter = FakeCounter("rapl:package-0", power_w=IDLE_W, relative_error=relative_error)
        self.clock = FakeClock(self.tree.advance, machine.advance, self.counter.advance)
        source = FakeModel(idle_w=5.0, full_w=45.0) if modelled else self.counter
        meter = Meter([source], self.tree, machine, self.clock, reserved)
        self.session = Session(Equipment(meter, HOST, (), CARBON, attribution, 1.0), self.clock)
        self.session._sampler = StillThread(alive=False)  # type: ignore[assignment]  # virtual time
        self.shell = InteractiveShell()
        self.shell.user_ns["lab"] = self
        self.calls = 0
        extension: Any = SimpleNamespace(
            session=self.session, shell=self.shell, hooks=SimpleNamespace(outermost_run=None)
        )
        self.magic = EnergyMagic(extension, self.clock, self.clock.advance)

    def work(self, seconds: float, power_w: float = 40.0) -> None:
        """Be busy with one CPU for so long."""
        self.calls += 1
        self.counter.power_w, self.tree.load = power_w, 1.0
        self.clock.advance(seconds)
        self.counter.power_w, self.tree.load = IDLE_W, 0.0

    def energy(self, line: str, cell: str | None = None) -> EnergyResult:
        result = self.magic.run(f"-o {line}", cell, None)
        assert result is not None
        return result


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_the_figure_is_the_statements_energy_above_idle(lab: Lab) -> None:
    """1 ms at 40 W over an idle of 18 W: 22 mJ; gross 40 mJ; idle was measured just before."""
    result = lab.energy("lab.work(0.001)")

    assert result.energy_j == pytest.approx(0.022, rel=0.01)
    assert result.gross_j == pytest.approx(0.040, rel=0.01)
    assert result.idle_w == pytest.approx(IDLE_W, rel=0.01)
    assert result.duration_s == pytest.approx(0.001, rel=0.01)
    assert result.low_j <= result.energy_j <= result.high_j
    assert (result.stop, result.provenance) == ("precise", "measured")
    assert result.legs * result.runs * result.duration_s == pytest.approx(LEAST_S, rel=0.2)
    assert result.runs * result.duration_s == pytest.approx(0.22, rel=0.05)
    assert result.gain == pytest.approx(0.06)


def test_gross_leaves_the_idle_power_in(lab: Lab) -> None:
    """40 mJ, and no second of idling."""
    result = lab.energy("--gross lab.work(0.001)")

    assert result.energy_j == result.gross_j == pytest.approx(0.040, rel=0.01)
    assert result.idle_w is None


@pytest.mark.parametrize("reserved", [1.0, 0.25])
def test_of_a_shared_machine_only_the_reserved_part_is_subtracted(reserved: float) -> None:
    """The kernel is charged with its part of the idle power, and that is what goes."""
    lab = Lab(attribution="kernel", reserved=reserved)
    for _ in range(5):
        lab.clock.advance(1.0)
        lab.session.sample()

    result = lab.energy("lab.work(0.001)")

    assert result.idle_w == pytest.approx(reserved * IDLE_W)
    assert result.energy_j == pytest.approx(0.022, rel=0.01)


def test_what_idling_hides_is_not_given_a_number(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing above idle: a bound, and values on both sides of 0 are kept."""
    result = lab.energy("lab.work(0.001, 17.9)")

    assert not result.is_told and result.stop == "precise"
    assert result.energy_j == pytest.approx(-0.0001, rel=0.05)
    assert 0.0 < result.most_j < 0.003
    assert capsys.readouterr().out.startswith("below what can be told: <\u202f")


def test_it_says_what_it_found_in_two_lines(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """The figure, how it was found, and which error is not in the interval."""
    result = lab.energy("-n 4096 -r 10 lab.work(0.0001)")

    figure, context = capsys.readouterr().out.replace("\u202f", " ").splitlines()
    assert figure == (
        "2.20 mJ per run (95 % interval 2.20 to 2.20 mJ; 10 legs of 4,096 runs, "
        "idle 18 W subtracted; measured: rapl)"
    )
    assert context == (
        "The meter's own error, about ± 6 %, and that of the idle power, about ± 180 µJ, "
        "are not in this interval"
    )
    assert f"{result!r}" == f"<energy: {str(result).splitlines()[0]}>"


def test_without_meters_it_is_told_to_be_proportional_to_cpu_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A model: its idle power goes, the rest is CPU time, with the model's own factors."""
    lab = Lab(attribution="kernel", modelled=True)

    result = lab.energy("lab.work(0.001)")

    assert result.energy_j == pytest.approx(0.010, rel=0.01)  # a quarter of 40 W above idle
    assert result.provenance == "estimated"
    figure, context = capsys.readouterr().out.replace("\u202f", " ").splitlines()
    assert figure.startswith("≈ 10 mJ per run (") and figure.endswith("estimated: cpu)")
    assert context.startswith("Estimated: the figure is proportional to CPU time; the truth may be")


def test_time_that_is_up_ends_it_and_is_told(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs of 6 s: as many legs as fit, no interval claimed of so few."""
    begin_ns = lab.clock.monotonic_ns()
    result = lab.energy("lab.work(6.0)")

    assert (lab.clock.monotonic_ns() - begin_ns) / 1e9 <= BUDGET_S * 1.1
    assert result.stop == "time" and result.runs == 1 and result.legs == 1
    said = capsys.readouterr().out.replace("\u202f", " ")
    assert "one leg, so no interval; 1 leg of 1 run" in said
    assert "stopped after 19" in said


def test_what_warms_up_is_said_to_drift(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Legs that cost less and less: their range, and no interval."""
    result = lab.energy("lab.work(0.001, 40.0 + 8.0 * 0.9995 ** lab.calls)")

    assert result.drifts and result.stop == "time"
    assert (result.low_j, result.high_j) == (min(result.legs_j), max(result.legs_j))
    said = capsys.readouterr().out.replace("\u202f", " ")
    assert "per run (still drifting, legs from 2" in said
    assert "interval" not in said.splitlines()[0]


def test_a_statement_that_gets_faster_is_calibrated_again(lab: Lab) -> None:
    """Slow for the first 20 runs: the legs are as long as they should be all the same."""
    result = lab.energy("lab.work(0.05 if lab.calls < 20 else 0.0001)")

    assert result.runs * result.duration_s >= 0.2
    assert result.energy_j == pytest.approx(22 * 0.0001, rel=0.02)


def test_the_first_line_of_a_cell_is_setup(lab: Lab) -> None:
    """As in %%timeit: it is done once a leg and not measured, and its variables are seen."""
    lab.shell.user_ns["other"] = 1
    before = dict(lab.shell.user_ns)
    result = lab.energy("-n 100 -r 3 lab.work(5.0); other = 0.001", "\nlab.work(other)\nmine = 2\n")

    assert result.energy_j == pytest.approx(0.022, rel=0.01)
    assert result.legs == 3 and result.stop == "asked"
    assert lab.shell.user_ns == before


def test_the_legs_are_in_no_sum(lab: Lab) -> None:
    """They are measured blocks, not cells."""
    lab.energy("-r 3 lab.work(0.001)")

    assert lab.session.cells == ()


def test_an_error_in_the_statement_passes_and_ends_its_leg(lab: Lab) -> None:
    """Raised through; the session goes on and garbage is collected again."""
    import gc

    with pytest.raises(ZeroDivisionError):
        lab.magic.run("lab.work(0.01); 1 / (lab.calls < 40)", None, None)

    assert gc.isenabled()
    lab.session.sample()
    assert lab.session._books.open_cells == 0


def test_a_missing_reading_costs_its_leg(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """A leg whose meter failed at its end is left out, and that is told."""
    lab.shell.user_ns["fail"] = lambda: setattr(lab.counter, "failing", lab.calls == 31)
    result = lab.energy("-n 10 -r 5 lab.work(0.03); fail()")

    assert result.legs < 5
    assert result.energy_j == pytest.approx(22 * 0.03, rel=0.05)
    assert "with missing readings left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "Nothing to measure"),
        ("# nothing", "Nothing to measure"),
        ("-n", "-n takes a whole number"),
        ("-n x lab", "-n takes a whole number from 1 on, not 'x'"),
        ("-r 0 lab", "-r takes a whole number"),
        ("--fast lab", "Unknown option '--fast'"),
        ("-x", "Unknown option '-x'"),
    ],
)
def test_a_mistake_is_one_line(
    lab: Lab, line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names what is wrong; nothing ran."""
    assert lab.magic.run(line, None, None) is None

    (told,) = capsys.readouterr().out.splitlines()
    assert told.startswith("greencell: ") and says in told


def test_nothing_is_measured_while_paused(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that says how to go on."""
    lab.session.pause()
    lab.magic.run("lab.work(1.0)", None, None)

    (told,) = capsys.readouterr().out.splitlines()
    assert "paused" in told and "%greencell resume" in told
    assert lab.calls == 0


@pytest.mark.parametrize(
    ("line", "runs", "legs", "gross", "code"),
    [
        ("-n 5 -r3 f(x)", 5, 3, False, "f(x)"),
        ("--gross -n=7 f(-n)", 7, None, True, "f(-n)"),
        ("f(x) -n 5", None, None, False, "f(x) -n 5"),
        ("-r 2 -- -x", None, 2, False, "-x"),
        ("-o 'a  b'", None, None, False, "'a  b'"),
    ],
)
def test_options_end_where_the_statement_begins(
    line: str, runs: int | None, legs: int | None, gross: bool, code: str
) -> None:
    """Whatever follows is the user's, to the letter."""
    options, left = options_of(line)

    assert (options.runs, options.legs, options.gross, left) == (runs, legs, gross, code)


def test_a_minus_is_no_statement_without_two() -> None:
    """-1 could be a slip: it must be said."""
    with pytest.raises(UsageError, match="--"):
        options_of("-1")


def test_variables_of_a_calling_function_are_seen(lab: Lab) -> None:
    """As with %timeit inside a function; the user's namespace stays as it is."""
    before = dict(lab.shell.user_ns)
    result = lab.magic.run("-o -r 2 lab.work(wait)", None, {"wait": 0.01})

    assert result is not None and result.duration_s == pytest.approx(0.01)
    assert lab.shell.user_ns == before
