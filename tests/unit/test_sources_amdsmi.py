"""AMD GPUs behind a simulated module ``amdsmi``: which numbers are believed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.model import Skipped
from greencell.sources.amd_cards import Card, read_cards
from greencell.sources.amdsmi import AmdCounter, AmdGauge, find_amdsmi
from greencell.sources.amdsmi_library import load_bindings
from greencell.testing import FakeAmdSmi


@pytest.fixture
def fake(tmp_path: Path) -> FakeAmdSmi:
    return FakeAmdSmi(tmp_path)


def found(fake: FakeAmdSmi) -> tuple[list[AmdCounter | AmdGauge], list[Skipped]]:
    return find_amdsmi(fake.root, {}, fake, pause=fake.advance, clock_s=fake.clock_s)


def gauge_of(fake: FakeAmdSmi) -> AmdGauge:
    (gauge,), skipped = found(fake)
    assert isinstance(gauge, AmdGauge)
    assert skipped == []
    return gauge


@pytest.mark.parametrize("key", ["energy_accumulator", "power"])
def test_a_counter_that_agrees_with_its_power_is_read(fake: FakeAmdSmi, key: str) -> None:
    """By the resolution that it tells, under its new name and its old one."""
    gpu = fake.add_gpu(90.0, energy_key=key)
    (counter,), skipped = found(fake)
    assert isinstance(counter, AmdCounter)
    before, before_j = counter.read(), gpu.true_j
    fake.advance(10.0)

    assert (counter.read() - before) * counter.joules_per_unit == pytest.approx(
        gpu.true_j - before_j, abs=1e-4
    )
    assert counter.info.parts == ("gpu:0000:03:00.0",)
    assert counter.info.detail == "Simulated Instinct, AMD SMI energy counter"
    assert counter.info.relative_error == 0.05
    assert skipped == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"counts_energy": False}, "it has no energy counter"),
        ({"frozen": True}, "its energy counter stands still"),
        ({"frozen": True, "shown_j": 0.0}, "its energy counter stands still"),
        ({"scale": 10.0}, "its energy counter contradicts its power"),
        ({"scale": 0.1}, "its energy counter contradicts its power"),
        ({"scale": -1.0, "shown_j": 1e6}, "its energy counter stands still"),
    ],
)
def test_a_counter_that_cannot_be_believed_gives_way_to_power(
    fake: FakeAmdSmi, fault: dict[str, Any], why: str
) -> None:
    """And the source says why it is no counter."""
    fake.add_gpu(90.0, **fault)

    gauge = gauge_of(fake)

    assert gauge.read_w() == 90.0
    assert gauge.info.detail.endswith(why)


@pytest.mark.parametrize("scale", [0.4, 2.5])
def test_a_power_that_is_a_mean_does_not_cost_the_counter(fake: FakeAmdSmi, scale: float) -> None:
    """At the begin of a load they differ for a while."""
    fake.add_gpu(90.0, scale=scale)

    (counter,), _ = found(fake)

    assert isinstance(counter, AmdCounter)


def test_a_counter_without_a_power_to_compare_with_is_believed_if_it_moves(
    fake: FakeAmdSmi,
) -> None:
    """There is nothing against it."""
    fake.add_gpu(90.0, power_keys=())

    (counter,), _ = found(fake)

    assert isinstance(counter, AmdCounter)


@pytest.mark.parametrize("key", ["current_socket_power", "average_socket_power", "socket_power"])
def test_whichever_power_a_board_shows_is_read(fake: FakeAmdSmi, key: str) -> None:
    """The others are marked as not available."""
    fake.add_gpu(90.0, counts_energy=False, power_keys=(key,))

    assert gauge_of(fake).read_w() == 90.0


@pytest.mark.parametrize("nothing", ["N/A", 65_535, 2**32 - 1, None, -1])
def test_what_stands_for_no_power_is_no_power(fake: FakeAmdSmi, nothing: Any) -> None:
    """It is not integrated; a read that meets it later fails."""
    fake.add_gpu(90.0, counts_energy=False)
    gauge = gauge_of(fake)
    fake.answers["amdsmi_get_power_info"] = {"current_socket_power": nothing}
    with pytest.raises(ReadFailed):
        gauge.read_w()
    sources, (one,) = found(fake)

    assert sources == []
    assert "neither energy nor power" in one.reason


def test_of_two_dies_that_share_a_meter_the_silent_one_is_named(fake: FakeAmdSmi) -> None:
    """MI250X: adding nothing is right, saying nothing is not."""
    for _ in range(2):
        fake.add_gpu(180.0)
        fake.add_gpu(0.0, shown_j=0.0)

    sources, skipped = found(fake)

    assert [source.info.id for source in sources] == [
        "amdsmi:0000:03:00.0", "amdsmi:0000:05:00.0",
    ]  # fmt: skip
    assert [one.id for one in skipped] == ["amdsmi:0000:04:00.0", "amdsmi:0000:06:00.0"]
    assert "another die" in skipped[0].reason


def test_a_card_that_sleeps_is_not_lost(fake: FakeAmdSmi) -> None:
    """Consumer boards count no energy and show 0 W until they are used."""
    gpu = fake.add_gpu(0.0, counts_energy=False)
    gauge = gauge_of(fake)
    gpu.power_w = 55.0

    assert gauge.read_w() == 55.0


def test_graphics_in_the_cpus_package_are_the_packages(fake: FakeAmdSmi) -> None:
    """Their power holds the CPU's, which is counted already."""
    fake.add_gpu(15.0, apu=True)
    fake.add_gpu(90.0)

    (source,), (one,) = found(fake)

    assert source.info.id == "amdsmi:0000:04:00.0"
    assert one.id == "amdsmi:0000:03:00.0"
    assert "package" in one.reason


def test_all_counters_are_watched_at_the_same_time(fake: FakeAmdSmi) -> None:
    """And nothing is waited for where there is no counter."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        fake.advance(seconds)

    fake.add_gpu(90.0, counts_energy=False)
    find_amdsmi(fake.root, {}, fake, pause=pause, clock_s=fake.clock_s)
    assert pauses == []
    for _ in range(7):
        fake.add_gpu(90.0)
    find_amdsmi(fake.root, {}, fake, pause=pause, clock_s=fake.clock_s)

    assert pauses == [0.1]


@pytest.mark.parametrize("counts_energy", [True, False])
def test_a_device_that_is_not_found_is_gone_and_anything_else_may_come_back(
    fake: FakeAmdSmi, counts_energy: bool
) -> None:
    """The two meanings of a failure."""
    gpu = fake.add_gpu(90.0, counts_energy=counts_energy)
    (source,), _ = found(fake)
    read = source.read if isinstance(source, AmdCounter) else source.read_w
    for function in ("amdsmi_get_energy_count", "amdsmi_get_power_info"):
        fake.failing[function] = 30  # busy
    with pytest.raises(ReadFailed):
        read()
    fake.failing.clear()
    assert read() > 0
    gpu.gone = True
    with pytest.raises(SourceGone):
        read()


def test_the_library_is_shut_down_with_its_last_gpu(fake: FakeAmdSmi) -> None:
    """Once, however often a source is closed; and at once if there is no source."""
    for _ in range(2):
        fake.add_gpu(90.0)
    sources, _ = found(fake)
    counts = []
    for source in sources:
        source.close()
        source.close()
        counts.append(fake.open_count)
    for gpu in fake.gpus:
        gpu.gone = True
    assert found(fake)[0] == []

    assert counts == [1, 0]
    assert fake.open_count == 0


def test_a_gpu_without_decorations_still_counts(fake: FakeAmdSmi) -> None:
    """Its name and its place are optional."""
    fake.add_gpu(90.0)
    fake.failing = {"amdsmi_get_gpu_device_bdf": 2, "amdsmi_get_gpu_asic_info": 2}

    (counter,), _ = found(fake)

    assert counter.info.id == "amdsmi:0"
    assert counter.info.parts == ("gpu:amd-0",)
    assert counter.info.detail.startswith("AMD GPU 0,")


@pytest.mark.parametrize(
    ("code", "flag", "remedy"), [(10, "no-permission", "render"), (34, "unsupported", "modprobe")]
)
def test_a_driver_that_refuses_is_a_reason(
    fake: FakeAmdSmi, code: int, flag: str, remedy: str
) -> None:
    """With what a user can do."""
    fake.add_gpu(90.0)
    fake.failing["amdsmi_init"] = code
    with pytest.raises(SourceUnavailable) as refusal:
        found(fake)
    fake.failing = {"amdsmi_get_processor_handles": 2}
    with pytest.raises(SourceUnavailable, match="lists no GPU"):
        found(fake)

    assert refusal.value.flag == flag
    assert remedy in refusal.value.remedy
    assert fake.open_count == 0


def test_without_an_amd_gpu_nothing_is_loaded(tmp_path: Path) -> None:
    """Another maker's card, a connector of a card, and no card at all."""
    for name, vendor in (("card0", "0x10de"), ("card0-DP-1", "0x1002"), ("renderD128", "0x1002")):
        (tmp_path / f"class/drm/{name}/device").mkdir(parents=True)
        (tmp_path / f"class/drm/{name}/device/vendor").write_text(f"{vendor}\n")

    for root in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(SourceUnavailable, match="no AMD GPU"):
            find_amdsmi(root, {})


MODULE = "import pathlib\nprint('loud')\npathlib.Path(__file__).with_name('imported').touch()\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package ``amdsmi`` on the path that prints when it is imported, as the real one may."""
    folder = tmp_path / "site/amdsmi"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.delitem(sys.modules, "amdsmi", raising=False)
    yield folder
    sys.modules.pop("amdsmi", None)


def refuse(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")


def test_bindings_without_their_library_are_not_imported(
    package: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """They would print to the user's cell."""
    with pytest.raises(SourceUnavailable, match=r"libamd_smi\.so"):
        load_bindings({}, refuse)

    assert not (package / "imported").exists()
    assert capfd.readouterr().out == ""


def test_the_library_is_looked_for_where_rocm_is(package: Path, tmp_path: Path) -> None:
    """Beside the bindings, then where the environment says, then where the linker looks."""
    rocm = tmp_path / "rocm"
    (rocm / "lib").mkdir(parents=True)
    for folder in (package, rocm / "lib"):
        (folder / "libamd_smi.so").touch()
    asked: list[str] = []

    def load(name: str) -> None:
        asked.append(name)
        if len(asked) < 3:
            refuse(name)

    load_bindings({"ROCM_PATH": str(rocm)}, load)

    assert (package / "imported").exists()
    assert asked == [
        str(package / "libamd_smi.so"), str(rocm / "lib/libamd_smi.so"), "libamd_smi.so",
    ]  # fmt: skip


@pytest.mark.parametrize("error", ["OSError", "ImportError", "AttributeError"])
def test_bindings_of_another_rocm_are_a_reason(package: Path, error: str) -> None:
    """They miss functions of the library."""
    (package / "__init__.py").write_text(f"raise {error}('undefined symbol')\n")

    with pytest.raises(SourceUnavailable, match="do not fit") as refusal:
        load_bindings({}, lambda name: None)

    assert "/opt/rocm/share/amd_smi" in refusal.value.remedy


def test_no_bindings_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that brings ROCm's own."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(SourceUnavailable, match="not installed"):
        load_bindings({}, refuse)


ANSWERS = st.none() | st.text() | st.dictionaries(
    st.sampled_from(
        ["energy_accumulator", "power", "counter_resolution", "current_socket_power",
         "average_socket_power", "socket_power"]
    ),
    st.none() | st.integers() | st.just(10**400) | st.floats() | st.text() | st.booleans(),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(energy=ANSWERS, power=ANSWERS)
def test_no_answer_raises_anything_but_the_named_errors(
    tmp_path_factory: pytest.TempPathFactory, energy: Any, power: Any
) -> None:
    """Whatever a release yields: a source, or a reason; a number, or a failed read."""
    fake = FakeAmdSmi(tmp_path_factory.mktemp("amd"))
    fake.add_gpu(90.0)
    (good,), _ = found(fake)
    assert isinstance(good, AmdCounter)
    fake.answers = {"amdsmi_get_energy_count": energy, "amdsmi_get_power_info": power}
    sources, skipped = found(fake)
    assert len(sources) + len(skipped) == 1
    try:
        assert good.read() >= 0
    except ReadFailed:
        return


@given(texts=st.lists(st.binary(max_size=40), min_size=3, max_size=3))
def test_no_tree_makes_the_search_for_cards_crash(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]
) -> None:
    """A card is AMD's, or not."""
    root = tmp_path_factory.mktemp("sys")
    device = root / "class/drm/card0/device"
    (device / "hwmon/hwmon0").mkdir(parents=True)
    for name, text in zip(("vendor", "uevent", "hwmon/hwmon0/in1_label"), texts, strict=True):
        (device / name).write_bytes(text)

    assert read_cards(root) in ([], [Card("", apu=False)], [Card("", apu=True)])
