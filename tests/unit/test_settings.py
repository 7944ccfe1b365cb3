"""Settings: precedence, and one line for each bad value."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell import settings
from greencell.carbon.live import electricity_maps, watttime
from greencell.history.database import open_database
from greencell.settings import Settings, environment_name, read_settings


def test_the_environment_wins_over_configuration_over_defaults() -> None:
    """As the interface promises."""
    read = read_settings({"GREENCELL_ZONE": "FR"}, {"zone": "DE", "pue": 1.2})

    assert read.settings.zone == "FR"
    assert read.settings.pue == 1.2
    assert read.settings.attribution == "kernel"
    assert read.problems == ()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GREENCELL_INTENSITY_G_PER_KWH", "-3"), ("GREENCELL_INTENSITY_G_PER_KWH", "nan"),
        ("GREENCELL_INTENSITY_G_PER_KWH", "0"), ("GREENCELL_INTENSITY_G_PER_KWH", "3000"),
        ("GREENCELL_PUE", "0.5"), ("GREENCELL_PUE", "9"), ("GREENCELL_ATTRIBUTION", "me"),
        ("GREENCELL_INTERVAL_S", "fast"), ("GREENCELL_INTERVAL_S", "0"),
        ("GREENCELL_HISTORY", "maybe"), ("GREENCELL_SYSFS_ROOT", "/does/not/exist"),
        ("GREENCELL_CPU_TDP_W", "inf"), ("GREENCELL_INTENSITY_PROVIDER", "oracle"),
        ("GREENCELL_CPU_VCPUS_SHARED", "2.5"), ("GREENCELL_ZONE", "a\nb"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_in_one_line_and_the_default_is_used(
    variable: str, value: str
) -> None:
    """Never an exception."""
    read = read_settings({variable: value}, {})

    assert read.settings == Settings()
    (problem,) = read.problems
    assert variable in problem
    assert "\n" not in problem


def test_a_bad_value_falls_back_to_the_next_source() -> None:
    """A broken variable does not hide the configuration."""
    assert read_settings({"GREENCELL_PUE": "x"}, {"pue": 1.3}).settings.pue == 1.3


def test_an_unknown_trait_is_named() -> None:
    """A typo in the configuration is told."""
    (problem,) = read_settings({}, {"zome": "FR"}).problems

    assert "zome" in problem and "zone" in problem


def test_names_of_the_interface(tmp_path: Path) -> None:
    """The variables that are promised."""
    assert environment_name("cpu_tdp_w") == "GREENCELL_CPU_TDP_W"
    read = read_settings({"GREENCELL_SYSFS_ROOT": str(tmp_path), "GREENCELL_HISTORY": "off"}, {})
    assert read.settings.sysfs_root == tmp_path
    assert read.settings.history is False


MISSPELT = [
    ("GREENCELL_HISTROY", "GREENCELL_HISTORY"), ("GREENCELL_ZON", "GREENCELL_ZONE"),
    ("GREENCELL_zone", "GREENCELL_ZONE"), ("GREENCELL_ZONE_", "GREENCELL_ZONE"),
    ("GREENCELL_DATADIR", "GREENCELL_DATA_DIR"), ("GREENCELL_INTERVAL", "GREENCELL_INTERVAL_S"),
    ("GREENCELL_VCPUS_SHARED", "GREENCELL_CPU_VCPUS_SHARED"),
    ("GREENCELL_INTENSITY_G_KWH", "GREENCELL_INTENSITY_G_PER_KWH"),
    ("GREENCELL_ELECTRICITYMAP_TOKEN", "GREENCELL_ELECTRICITYMAPS_TOKEN"),
    ("GREENCELL_HISTORY_MAX_DAY", "GREENCELL_HISTORY_MAX_DAYS"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "meant"), MISSPELT)
def test_a_misspelt_variable_is_named_with_the_nearest(name: str, meant: str) -> None:
    """In one line, without its value, which may be a secret; the default is used."""
    read = read_settings({name: "hunter2"}, {})

    assert read.settings == Settings()
    assert read.problems == (f"greencell: {name} is not a setting; did you mean {meant}?",)


@pytest.mark.parametrize("name", ["GREENCELL_BANANA", "GREENCELL_", "GREENCELL_" + "X" * 10_000])
def test_a_variable_like_no_other_is_named_with_all_there_are(name: str) -> None:
    """One line, however long the name."""
    (problem,) = read_settings({name: "x"}, {}).problems

    assert "is not a setting; the settings are GREENCELL_ZONE, " in problem
    assert "\n" not in problem and len(problem) < 900


@pytest.mark.parametrize(
    "name",
    ["GREENCELL_WATTTIME_USER", "GREENCELL_ELECTRICITYMAPS_TOKEN", "GREENCELLO", "MY_GREENCELL_ZON",
     "OTEL_EXPORTER_OTLP_ENDPOINT", "greencell_zone"],
)  # fmt: skip
def test_what_is_read_elsewhere_or_is_not_ours_is_not_complained_of(name: str) -> None:
    """Nor is a variable without a value."""
    assert read_settings({name: "x", "GREENCELL_HISTROY": ""}, {}).problems == ()


def test_the_names_of_providers_are_those_that_they_read() -> None:
    """Written down twice, because loading them for their names costs too much."""
    names = {electricity_maps.TOKEN_VARIABLE, watttime.USER_VARIABLE, watttime.PASSWORD_VARIABLE,
             watttime.REGION_VARIABLE}  # fmt: skip
    assert set(settings._OF_PROVIDERS) == names


@pytest.mark.parametrize(
    ("environment", "config"),
    [
        ({"GREENCELL_TAG": "train"}, {}),
        ({"GREENCELL_OTLP": "on"}, {}),
        ({}, {"price_per_kwh": 0.3}),
    ],
)
def test_a_setting_of_a_later_version_is_one_calm_line(
    environment: dict[str, str], config: dict[str, object]
) -> None:
    """It is no mistake, and does nothing."""
    (problem,) = read_settings(environment, config).problems

    assert problem.endswith("is a setting of a later version; this one leaves it alone.")


@pytest.mark.parametrize(
    ("name", "meant"), [("zome", "zone"), ("historie", "history"), ("PUE", "pue")]
)
def test_a_misspelt_trait_is_named_with_the_nearest(name: str, meant: str) -> None:
    """As in a configuration file."""
    (problem,) = read_settings({}, {name: "x"}).problems

    assert problem == (
        f"greencell: c.GreenCell.{name} is not a setting; did you mean c.GreenCell.{meant}?"
    )


SCRIPT = """
import greencell
for _ in range(3):
    with greencell.measure("x") as m:
        sum(range(1000))
    m.energy_j
print("a,b")
"""
CHILDREN = """
import multiprocessing, greencell
@greencell.measured("x")
def work(number):
    return number
if __name__ == "__main__":
    work(0)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(work, range(4))
    print("a,b")
"""


@pytest.mark.parametrize("script", [SCRIPT, CHILDREN], ids=["blocks", "workers"])
def test_a_script_is_told_once_beside_its_output(script: str, tmp_path: Path) -> None:
    """On stderr, a line for each setting, whatever the number of blocks and processes."""
    path = tmp_path / "s.py"
    path.write_text(script)
    done = told([str(path)], tmp_path, GREENCELL_HISTROY="off", GREENCELL_PUE="0.1",
                GREENCELL_ZONE="Atlantis")  # fmt: skip

    assert done.stdout == "a,b\n"
    lines = done.stderr.splitlines()
    assert [line.split()[1].partition("=")[0] for line in lines] == [
        "GREENCELL_PUE", "GREENCELL_HISTROY", "Unknown",
    ], done.stderr  # fmt: skip


@pytest.mark.parametrize(
    "command", [["history"], ["zones", "FR"], ["doctor"], ["doctor", "--json"]]
)
def test_a_command_tells_each_once(command: list[str], tmp_path: Path) -> None:
    """On stderr; the doctor among what it found."""
    (tmp_path / "data").mkdir()
    open_database(tmp_path / "data" / "history.sqlite3").connection.close()
    done = told(
        ["-m", "greencell", *command], tmp_path, GREENCELL_HISTROY="off", GREENCELL_PUE="0.1"
    )

    said = done.stderr if command[0] != "doctor" else done.stdout
    assert said.count("GREENCELL_HISTROY is not a setting") == 1
    assert said.count("GREENCELL_PUE='0.1'") == 1
    assert (done.stderr + done.stdout).count("GREENCELL_HISTROY") == 1


def test_a_notebook_is_told_as_it_loads(tmp_path: Path) -> None:
    """Where the other problems are told, before the first line; the status tells it again."""
    lines = "%load_ext greencell\n%greencell status\n%unload_ext greencell\n%load_ext greencell\n"
    program = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        f"InteractiveShell.instance().run_cell({lines!r})"
    )
    done = told(["-c", program], tmp_path, GREENCELL_HISTROY="off")

    shown = done.stdout.splitlines()
    assert "GREENCELL_HISTROY is not a setting; did you mean GREENCELL_HISTORY?" in shown[0]
    assert shown[1].startswith("greencell: ") and done.stderr == ""
    assert done.stdout.count("did you mean") == 3  # twice loaded, once asked


def told(arguments: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "GREENCELL_DATA_DIR": str(folder / "data"),
             "IPYTHONDIR": str(folder / "ipython"), **variables},
    )  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["GREENCELL_PUE", "GREENCELL_ZONE", "GREENCELL_INTERVAL_S"])
        | st.text().map(lambda text: f"GREENCELL_{text}"),
        st.text(),
    )
)
def test_no_text_raises(environment: dict[str, str]) -> None:
    """Whatever stands in the environment."""
    for problem in read_settings(environment, {}).problems:
        assert problem.startswith("greencell: ") and len(problem.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GREENCELL_SYSFS_ROOT", "9" * 400), ("GREENCELL_SYSFS_ROOT", "~nobody-of-that-name/x"),
        ("GREENCELL_DATA_DIR", "~nobody-of-that-name/x"), ("GREENCELL_PUE", "1e999"),
        ("GREENCELL_HISTORY_MAX_DAYS", "0"), ("GREENCELL_HISTORY_MAX_MB", "-1"),
    ],
)  # fmt: skip
def test_values_that_a_fuzzer_found(name: str, value: str) -> None:
    """One line each, and the default."""
    read = read_settings({name: value}, {})

    assert read.settings == Settings()
    assert len(read.problems) == 1 and len(read.problems[0].splitlines()) == 1


def test_a_number_beyond_all_floats_is_one_line() -> None:
    """As a configuration file in Python may hold it."""
    assert len(read_settings({}, {"pue": 10**400}).problems) == 1


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\nb", "\ud800"])
def test_an_unknown_name_is_one_line_that_steers_nothing(name: str) -> None:
    """Found by fuzzing."""
    (problem,) = read_settings({}, {name: 1}).problems

    assert problem.isprintable() and "is not a setting" in problem
