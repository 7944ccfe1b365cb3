"""``greencell doctor`` and ``%greencell sources``: what meters what, and what would enable more."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from greencell.cli import main
from greencell.document import skipped_object, source_object
from greencell.model import Skipped, SourceInfo
from greencell.report.shape import FOUND
from greencell.report.sources_text import sources_text
from greencell.sources.powercap import REMEDY
from greencell.testing import PowercapTree

CPUINFO = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i7-8750H CPU @ 2.20GHz\n\n"
PACKAGE = SourceInfo(
    "rapl:package-0", "cpu", "counter", "measured", 0.001, 6e-5, 0.03, detail="RAPL package-0"
)
MEMORY = SourceInfo(
    "model:ram", "dram", "model", "estimated", 0.01, 0.0, 0.0, 0.5, 1.5, "16 GB of memory"
)
GPU = SourceInfo("nvml:0", "gpu", "gauge", "measured", 0.1, 0.0, 0.05, detail="A100", lag_s=1.0)
WHOLE = SourceInfo(
    "acpi:0", "node", "gauge", "measured", 1.0, 0.0, 0.025, detail="ACPI power meter", scope="node"
)
CLOSED = Skipped(
    "amd_energy", "its counters may not be read by this user", "sudo chmod a+r /sys/energy1_input",
    "no-permission", "everybody on this machine can then read them, which tells of what others compute",
    "cpu measured instead of estimated",
)  # fmt: skip
HOPELESS = Skipped("nvml", "no NVIDIA driver on this machine")


@pytest.fixture
def closed_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A laptop whose power meter may not be read, for root neither."""
    tree = PowercapTree(tmp_path / "sys")
    tree.add("package-0")
    tree.close()
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(CPUINFO)
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16303412 kB\n")
    monkeypatch.setenv("GREENCELL_SYSFS_ROOT", str(tmp_path / "sys"))
    monkeypatch.setenv("GREENCELL_PROCFS_ROOT", str(tmp_path / "proc"))
    monkeypatch.setenv("GREENCELL_ZONE", "FR")
    monkeypatch.setenv("COLUMNS", "80")
    opens = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path).endswith(("energy_uj", "max_energy_range_uj")):
            raise PermissionError(13, "Permission denied", path)
        return opens(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    return tmp_path


def shown(*sources: dict[str, Any], skipped: tuple[Skipped, ...] = (), width: int = 88) -> str:
    parts = FOUND(
        {
            "host": {}, "carbon": {}, "sources": list(sources),
            "skipped": [skipped_object(one) for one in skipped],
        },
        "",
    )  # fmt: skip
    return sources_text(parts["sources"], parts["skipped"], width).replace("\u202f", " ")


def test_a_closed_meter_is_told_with_the_exact_command(
    closed_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command stands whole on its own line; what meters instead is told first."""
    assert main(["doctor"]) == 0

    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0].startswith("machine  ") and "i7-8750H" in lines[0]
    assert any(line.startswith("  zone       France (FR)") for line in lines)
    assert lines.index("Counted") < lines.index("Not used")
    assert any(line.split()[:2] == ["cpu", "estimated"] for line in lines)
    assert f"      {REMEDY}" in lines
    assert lines[lines.index(f"      {REMEDY}") - 1] == "    to enable:"
    assert all(len(line) <= 80 for line in lines if REMEDY not in line)


def test_json_has_everything(closed_machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All fields of the document's sources and of those skipped, and nothing for people."""
    assert main(["doctor", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        "greencell_version", "host", "sources", "skipped", "absent", "carbon",
        "problems",
    }  # fmt: skip
    assert all(set(source) == set(source_object(PACKAGE)) for source in found["sources"])
    assert all(set(one) == set(skipped_object(CLOSED)) for one in found["skipped"])
    rapl = next(one for one in found["skipped"] if one["id"] == "rapl")
    assert (rapl["flag"], rapl["remedy"]) == ("no-permission", REMEDY)


@pytest.mark.parametrize("columns", ["1", "20", "60", "200", "0", "x"])
def test_the_doctor_answers_on_any_terminal_of_any_machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    columns: str,
) -> None:
    """Nothing under /sys and /proc, settings that mean nothing: exit code 0 and no traceback."""
    monkeypatch.setenv("GREENCELL_SYSFS_ROOT", str(tmp_path))
    monkeypatch.setenv("GREENCELL_PROCFS_ROOT", str(tmp_path))
    monkeypatch.setenv("GREENCELL_ZONE", "Atlantis\x1b[31m")
    monkeypatch.setenv("GREENCELL_PUE", "much")
    monkeypatch.setenv("COLUMNS", columns)

    assert main(["doctor"]) == 0

    out, err = capsys.readouterr()
    assert "Counted" in out and "Settings" in out and "much" in out
    assert "\x1b" not in out and "Traceback" not in out + err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_nobody_foresaw_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    """The doctor is where people look when something is broken."""

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("a driver's joke")

    monkeypatch.setattr("greencell.cli.doctor.equip", broken)

    assert main(["doctor", *options]) == 1
    out = capsys.readouterr().out
    assert "Looking failed: ZeroDivisionError: a driver's joke" in out
    assert options or out.count("\n") == 1


def test_sources_stand_aligned_and_the_whole_machine_beside_the_sum() -> None:
    """Component, provenance, name, period, error of about 95 %, idle power and lag."""
    text = shown(
        source_object(GPU),
        source_object(PACKAGE, 3.21),
        source_object(WHOLE),
        source_object(MEMORY),
    )

    assert text == (
        "Counted\n"
        "  cpu   measured   rapl:package-0  every 1 ms    ± 6 %          idle 3.2 W\n"
        "        RAPL package-0\n"
        "  dram  estimated  model:ram       every 10 ms   0.5–1.5 times\n"
        "        16 GB of memory\n"
        "  gpu   measured   nvml:0          every 100 ms  ± 10 %                     1.0 s late\n"
        "        A100\n"
        "\n"
        "Beside the sum, the whole machine\n"
        "  node  measured  acpi:0  every 1.0 s  ± 5 %\n"
        "        ACPI power meter"
    )


def test_what_is_not_used_comes_with_all_that_is_known_of_it() -> None:
    """Reason, command, what that opens besides and what it brings; no empty words."""
    text = shown(skipped=(CLOSED, HOPELESS), width=60)

    assert text == (
        "Counted\n"
        "  nothing here can be metered or modelled\n"
        "\n"
        "Not used\n"
        "  amd_energy: its counters may not be read by this user\n"
        "    to enable:\n"
        "      sudo chmod a+r /sys/energy1_input\n"
        "    opens besides: everybody on this machine can then read\n"
        "      them, which tells of what others compute\n"
        "    would bring: cpu measured instead of estimated\n"
        "  nvml: no NVIDIA driver on this machine"
    )


@pytest.mark.parametrize("width", [1, 40, 50, 88, 200])
def test_only_commands_are_wider_than_the_terminal(width: int) -> None:
    """From forty columns on."""
    text = shown(
        source_object(PACKAGE, 3.21), source_object(GPU), source_object(WHOLE),
        skipped=(CLOSED,), width=width,
    )  # fmt: skip

    assert all(len(line) <= max(width, 40) for line in text.splitlines() if "sudo" not in line)
    assert CLOSED.remedy in text


def test_unknown_figures_of_a_source_are_told() -> None:
    """A document of an older version has neither idle power nor scope nor lag."""
    text = shown({"id": "x", "component": "cpu", "kind": "counter", "provenance": "measured"})

    assert "  cpu  measured  x  period unknown  error unknown" in text
    assert "idle" not in text and "Beside" not in text
