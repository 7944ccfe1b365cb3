"""The place of one session: where its electricity comes from, and who may change that."""

from __future__ import annotations

from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.grid_table import GridTable
from greencell.carbon.location import Location
from greencell.model import CarbonInfo, Forecast
from greencell.session import Session


class Place:
    """Answers where a session is, and moves it.

    Args:
        wishes: what the user set about carbon; a PUE that was set outlives a change of zone.
    """

    def __init__(self, session: Session, table: GridTable, wishes: Wishes) -> None:
        self._session = session
        self._wishes = wishes
        self.table = table

    @property
    def carbon(self) -> CarbonInfo:
        """Where the electricity comes from now."""
        return self._session.carbon

    @property
    def forecast(self) -> Forecast | None:
        """What is expected there in the hours ahead, where a provider was asked for."""
        return None

    def move(self, name: str) -> CarbonInfo:
        """Cells that begin from now on run in the zone of this name.

        Raises:
            UsageError: no zone has that name, or several have.
        """
        wishes = Wishes(name, None, self._wishes.pue)
        carbon = carbon_info(Location(self.table.find(name), "setting", "set by the user"), wishes)
        self._session.set_carbon(carbon)
        return carbon
