"""NVIDIA GPUs that show how busy they are and nothing else: the model by design power."""

from __future__ import annotations

import csv
from pathlib import Path

import pynvml
import pytest

from greencell.data import DATA
from greencell.errors import ReadFailed, SourceGone
from greencell.sources.base import EnergyCounter, PowerGauge, PowerModel, SharedDevice
from greencell.sources.nvml import NvmlCounter, NvmlGauge, find_gpus
from greencell.sources.nvml_model import NvmlModel, board_of, match_key
from greencell.testing import FakeNvml

T4, A40 = "Tesla T4", "NVIDIA A40-8Q"
POWER = ("nvmlDeviceGetFieldValues", "nvmlDeviceGetPowerUsage")


def meterless(fake: FakeNvml, name: str = T4, code: int = pynvml.NVML_ERROR_NOT_SUPPORTED) -> int:
    """A whole board without energy and power."""
    gpu = fake.add_gpu(70.0, counts_energy=False, name=name)
    for function in POWER:
        fake.fail(function, code)
    return gpu


def vgpu(fake: FakeNvml, name: str = A40) -> int:
    gpu = fake.add_gpu(70.0, name=name)
    fake.set_virtualization(gpu, pynvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU)
    return gpu


def model_of(fake: FakeNvml) -> NvmlModel:
    (model,), skipped = find_gpus({}, pynvml)
    assert isinstance(model, NvmlModel)
    assert skipped == []
    return model


@pytest.mark.parametrize(("percent", "power_w"), [(0, 8.4), (50, 39.2), (100, 70.0), (4_000, 70.0)])
def test_the_formula(fake: FakeNvml, percent: int, power_w: float) -> None:
    """P = TDP (0.12 + 0.88 u), a T4's design power being 70 W."""
    gpu = meterless(fake)
    model = model_of(fake)
    fake.set_utilization(gpu, percent)

    assert model.read_w() == pytest.approx(power_w)


def test_it_is_a_model_that_is_read_as_a_gauge(fake: FakeNvml) -> None:
    """Estimated, with its interval; no model of CPU utilisation, and no counter."""
    meterless(fake)
    model = model_of(fake)

    assert isinstance(model, PowerGauge)
    assert isinstance(model, SharedDevice)
    assert not isinstance(model, (EnergyCounter, PowerModel))
    assert (model.info.kind, model.info.provenance) == ("model", "estimated")
    assert (model.info.low_factor, model.info.high_factor) == (0.3, 2.0)
    assert model.info.component == "gpu"
    assert model.info.parts == ("gpu:0000:01:00.0",)
    assert model.info.flags == ()
    assert model.info.detail == "Tesla T4, by utilisation; NVIDIA Tesla T4, 70 W design power"


def test_a_virtual_gpu_idles_by_its_part_of_the_memory(fake: FakeNvml) -> None:
    """8 GB of an A40's 48; while it computes, the whole board may be its own."""
    gpu = vgpu(fake)
    model = model_of(fake)

    assert model.info.flags == ("virtual",)
    assert "17% of the memory of NVIDIA A40" in model.info.detail
    assert model.read_w() == pytest.approx(300 * 0.12 / 6)
    fake.set_utilization(gpu, 100)
    assert model.read_w() == pytest.approx(300 * (0.12 / 6 + 0.88))


def test_a_model_is_the_last_resort(fake: FakeNvml) -> None:
    """Energy and power come first, for a board that is in the table too."""
    for counts in (True, False):
        fake.add_gpu(70.0, counts_energy=counts, name=T4)

    (counter, gauge), _ = find_gpus({}, pynvml)

    assert isinstance(counter, NvmlCounter)
    assert isinstance(gauge, NvmlGauge)


@pytest.mark.parametrize("code", [4, 15, 999])
def test_a_power_that_is_only_refused_is_not_replaced(fake: FakeNvml, code: int) -> None:
    """The board may have a meter, and the remedy says how to come by it."""
    meterless(fake, code=code)

    sources, (one,) = find_gpus({}, pynvml)

    assert sources == []
    assert one.remedy


@pytest.mark.parametrize("virtual", [True, False])
@pytest.mark.parametrize(
    ("name", "refused", "why"),
    [
        ("Simulated GPU", False, "Simulated GPU is in no table of design powers"),
        ("NVIDIA A100-10C", False, "NVIDIA A100-10C is in no table"),
        (T4, True, "does not tell how busy it is"),
    ],
)
def test_why_there_is_no_model_is_said(
    fake: FakeNvml, name: str, refused: bool, why: str, virtual: bool
) -> None:
    """With the reason that there is no meter before it."""
    (vgpu if virtual else meterless)(fake, name)
    if refused:
        fake.fail("nvmlDeviceGetUtilizationRates", pynvml.NVML_ERROR_NOT_SUPPORTED)

    sources, (one,) = find_gpus({}, pynvml)

    assert sources == []
    assert "shows neither energy nor power, and " in one.reason
    assert why in one.reason
    assert one.flag == ("virtual" if virtual else "unsupported")
    assert fake.open_count == 0


def test_with_mig_there_is_no_model(fake: FakeNvml) -> None:
    """The driver does not tell how busy the board is."""
    fake.set_mig(vgpu(fake, T4), on=True)

    sources, (one,) = find_gpus({}, pynvml)

    assert sources == []
    assert "busy" in one.reason


def test_what_is_not_visible_has_no_model(fake: FakeNvml) -> None:
    """CUDA_VISIBLE_DEVICES counts here too."""
    for _ in range(2):
        vgpu(fake)

    (model,), (left_out,) = find_gpus({"CUDA_VISIBLE_DEVICES": "1"}, pynvml)

    assert model.info.id == "nvml:GPU-00000002"
    assert "CUDA_VISIBLE_DEVICES" in left_out.reason


@pytest.mark.parametrize("code", [*range(1, 31), 999])
def test_every_code_of_a_read_is_one_of_the_two_meanings(fake: FakeNvml, code: int) -> None:
    """Later again, or never again; never idle power for no answer."""
    meterless(fake)
    model = model_of(fake)
    fake.fail("nvmlDeviceGetUtilizationRates", code)
    with pytest.raises(SourceGone if code in {15, 16} else ReadFailed):
        model.read_w()


def test_its_users_are_told_as_of_any_gpu(fake: FakeNvml) -> None:
    """It may be shared, and is closed once."""
    gpu = meterless(fake)
    (model,), _ = find_gpus({}, pynvml, Path("/nonexistent"))
    assert isinstance(model, NvmlModel)
    fake.set_processes(gpu, {10: 60, 7: 20})
    fake.advance(1.0)
    share = model.use(frozenset({10}))

    assert model.use(frozenset({10})).other_processes == 1
    assert share is not None
    assert (share.own, share.others) == (60.0, 20.0)
    model.close()
    model.close()
    assert fake.open_count == 0


# -- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tdp_w", "share"),
    [
        ("Tesla T4", 70.0, 1.0),
        ("NVIDIA GeForce GTX 1080", 180.0, 1.0),
        ("GeForce GTX 1080", 180.0, 1.0),
        ("NVIDIA A100-SXM4-40GB", 400.0, 1.0),
        ("NVIDIA TITAN X (Pascal)", 250.0, 1.0),
        ("GRID T4-16Q", 70.0, 1.0),
        ("GRID T4-4C", 70.0, 0.25),
        ("GRID P40-4A", 250.0, 4 / 24),
        ("NVIDIA L40S-12Q", 350.0, 0.25),
        ("NVIDIA A16-2B", 62.5, 2 / 16),
        ("NVIDIA A16", 62.5, 1.0),
        ("Tesla K80", 150.0, 1.0),
    ],
)
def test_the_names_that_drivers_give_are_found(name: str, tdp_w: float, share: float) -> None:
    """With and without the maker, the former brand, and a virtual GPU's profile."""
    board = board_of(name)

    assert board is not None
    assert (board.tdp_w, board.share) == (tdp_w, pytest.approx(share))


@pytest.mark.parametrize(
    "name",
    [
        "", "-8Q", "NVIDIA", "GPU 0", "NVIDIA A100-10C", "GRID A100D-1-10C", "Tesla",
        "NVIDIA GeForce RTX 3060 Laptop GPU", "NVIDIA GeForce RTX 2080 with Max-Q Design",
    ],
)  # fmt: skip
def test_what_is_in_no_table_is_not_guessed(name: str) -> None:
    """Nor what several boards are called; a laptop's GPU is another one."""
    assert board_of(name) is None


def test_every_row_is_found_by_its_own_name() -> None:
    """The key of the code is the key of the table."""
    with (DATA / "gpu_tdp.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["model"] for row in rows if match_key(row["model"]) != row["match_key"]] == []
    for row in rows:
        board = board_of(row["model"])
        assert (board is None) == (row["vendor"] != "NVIDIA")
        assert board is None or board.model == row["model"]


def test_a_board_whose_memory_is_not_told_gives_no_part(tmp_path: Path) -> None:
    """A part of an unknown whole is unknown."""
    header = "model,match_key,vendor,kind,tdp_w,memory_gb\n"
    (tmp_path / "gpu_tdp.csv").write_text(header + "NVIDIA X1,nvidia x1,NVIDIA,datacenter,100,\n")

    assert board_of("NVIDIA X1-4Q", tmp_path) is None
    assert board_of("NVIDIA X1", tmp_path) is not None
