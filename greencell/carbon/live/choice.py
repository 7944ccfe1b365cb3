"""From the name in a setting to a provider that can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from greencell.carbon.live import electricity_maps, energinet, neso, rte, watttime
from greencell.carbon.live.http import TIMEOUT_S, Endpoint
from greencell.carbon.live.provider import About, Provider
from greencell.carbon.live.secret import secret_from
from greencell.errors import UsageError

_MODULES: Final = (electricity_maps, neso, rte, energinet, watttime)
_BASES: Final[Mapping[str, str]] = {module.ABOUT.id: module.BASE for module in _MODULES}
_ABOUT: Final[Mapping[str, About]] = {module.ABOUT.id: module.ABOUT for module in _MODULES}
_MAX_REGION: Final = 60


def about(name: str) -> About:
    """What is known beforehand of the provider of this name."""
    return _ABOUT[name]


def open_provider(
    name: str,
    environment: Mapping[str, str],
    base: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Provider:
    """The provider of this name; nothing is asked yet.

    Args:
        environment: where its token stands.
        base: a proxy or mirror that is asked instead.

    Raises:
        UsageError: no such provider, or what it needs is not set.
    """
    if name not in _BASES:
        raise UsageError(f"Unknown provider {name[:40]!r}; choose one of {', '.join(_BASES)}.")
    endpoint = Endpoint(base or _BASES[name], timeout_s)
    match name:
        case "electricitymaps":
            token = secret_from(environment, electricity_maps.TOKEN_VARIABLE)
            return electricity_maps.ElectricityMaps(endpoint, token)
        case "uk":
            return neso.Neso(endpoint)
        case "rte":
            return rte.Rte(endpoint)
        case "energinet":
            return energinet.Energinet(endpoint)
        case _:
            return _watttime(endpoint, environment)


def _watttime(endpoint: Endpoint, environment: Mapping[str, str]) -> Provider:
    user = secret_from(environment, watttime.USER_VARIABLE)
    password = secret_from(environment, watttime.PASSWORD_VARIABLE)
    region = environment.get(watttime.REGION_VARIABLE, "").strip()
    if not region.replace("_", "").replace("-", "").isalnum() and region:
        raise UsageError(f"{watttime.REGION_VARIABLE} must be a region as CAISO_NORTH.")
    return watttime.WattTime(endpoint, user, password, region[:_MAX_REGION] or None)
