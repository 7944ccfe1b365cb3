"""Settings: precedence, and one line for each bad value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(
    st.dictionaries(
        st.sampled_from(["GREENCELL_PUE", "GREENCELL_ZONE", "GREENCELL_INTERVAL_S"]), st.text()
    )
)
def test_no_text_raises(environment: dict[str, str]) -> None:
    """Whatever stands in the environment."""
    read_settings(environment, {})


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
