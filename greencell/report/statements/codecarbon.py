"""A row as codecarbon 3 writes it to ``emissions.csv``, for the tools that read those.

Its energies and powers hold the PUE (as its tracker multiplies them), so they do here; ours do
not. Its ``cpu`` takes in what is neither GPU nor memory, such as a whole system on a chip. What
is not known is empty.
"""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from greencell.carbon.grid_table import GridTable
from greencell.errors import UsageError
from greencell.report import Asked
from greencell.report.data_formats import defused
from greencell.report.statements import words
from greencell.report.statements.words import Document
from greencell.report.work import work_of

COLUMNS: Final = (
    "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions",
    "emissions_rate", "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy",
    "ram_energy", "energy_consumed", "water_consumed", "country_name", "country_iso_code",
    "region", "cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version",
    "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude",
    "ram_total_size", "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent",
    "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
)  # fmt: skip
"""Of codecarbon 3.3.2, in its order."""
_TRACKING: Final = {"machine": "machine", "kernel": "process"}
_W_PER_KWH_IN_S: Final = 3.6e6
_SECONDS: Final = len("2026-01-31T09:00:00")


def to_codecarbon(document: Document, _asked: Asked) -> str:
    """Header and one row: the session."""
    session, host, carbon = document["session"], document["host"], document["carbon"]
    totals, work = document["totals"], work_of(document)
    pue = work.factor.pue if work is not None else carbon["pue"] or 1.0
    parts = _parts(document, pue)
    duration_s = session["duration_s"]
    country, alpha3, region = _country(carbon["zone"])
    provider, cloud_region = words.provider_and_region(document)
    gpus = list(dict.fromkeys(host["gpus"]))
    row: dict[str, Any] = {
        "timestamp": (session["ended_at"] or session["started_at"])[:_SECONDS],
        "project_name": session["label"] or session["notebook"] or "greencell",
        "run_id": session["id"],
        "duration": duration_s,
        "emissions": totals["co2_kg"],
        "emissions_rate": _ratio(totals["co2_kg"], duration_s),
        **{f"{name}_energy": value for name, value in parts.items()},
        **{f"{name}_power": _power_w(value, duration_s) for name, value in parts.items()},
        "energy_consumed": _times(totals["energy_kwh"], pue),
        "water_consumed": _times(totals["energy_kwh"], carbon["wue_l_per_kwh"]),
        "country_name": country,
        "country_iso_code": alpha3,
        "region": region,
        "cloud_provider": carbon["zone"].partition(":")[0] if provider else "",
        "cloud_region": cloud_region,
        "os": host["os"],
        "python_version": session["python_version"],
        "codecarbon_version": words.cited(document),
        "cpu_count": host["logical_cpus"],
        "cpu_model": host["cpu"],
        "gpu_count": len(host["gpus"]) or None,
        "gpu_model": ", ".join(f"{host['gpus'].count(gpu)} x {gpu}" for gpu in gpus),
        "ram_total_size": host["ram_gb"],
        "tracking_mode": _TRACKING.get(document["attribution"], ""),
        "on_cloud": "Y" if provider else "N",
        "pue": pue,
        "wue": carbon["wue_l_per_kwh"],
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow([_field(row.get(name)) for name in COLUMNS])
    return text.getvalue()


def _parts(document: Document, pue: float) -> dict[str, float | None]:
    """Energies by their three kinds of hardware, with the building's overhead."""
    kinds: dict[str, float | None] = {"cpu": None, "gpu": None, "ram": None}
    for name, value in document["totals"]["by_component_kwh"].items():
        kind = {"gpu": "gpu", "dram": "ram"}.get(name, "cpu")
        if value is not None:
            kinds[kind] = (kinds[kind] or 0.0) + value * pue
    return kinds


def _country(zone: str) -> tuple[str, str, str]:
    """Name, alpha-3 code and region of a zone; empty where the world stands in."""
    table = GridTable()
    try:
        found = table.find(zone)
        country = table.find(found.country)
        alpha3 = table.alpha3(found.country)
    except UsageError:
        return "", "", ""
    region = found.name if found.code != found.country and ":" not in found.code else ""
    return (country.name if alpha3 else ""), alpha3, region


def _times(value: float | None, by: float | None) -> float | None:
    return None if value is None or by is None else value * by


def _ratio(value: float | None, by: float | None) -> float | None:
    return None if value is None or not by else value / by


def _power_w(energy_kwh: float | None, duration_s: float | None) -> float | None:
    return _ratio(_times(energy_kwh, _W_PER_KWH_IN_S), duration_s)


def _field(value: object) -> object:
    if value is None:
        return ""
    return defused(" ".join(value.split())) if isinstance(value, str) else value
