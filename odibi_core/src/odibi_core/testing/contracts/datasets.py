"""The contract of a reader and saver of one format."""

from __future__ import annotations

from odibi_core.testing.contracts.leftovers import LeftoversContract
from odibi_core.testing.contracts.reading import ReadingContract
from odibi_core.testing.contracts.saving import SavingContract
from odibi_core.testing.contracts.saving_faults import FaultsContract
from odibi_core.testing.contracts.saving_races import RacesContract
from odibi_core.testing.contracts.shapes import ShapesContract

__all__ = ["ReaderSaverContract"]


class ReaderSaverContract(
    ReadingContract, SavingContract, ShapesContract, LeftoversContract, RacesContract, FaultsContract
):
    """What every reader and saver keep to: rows come back, modes mean what they say, and a save is whole or nothing.

    A reader without a saver overrides the fixture `stored`; what needs a saver is then left out, and so is every save
    mode that the spec does not name.

    Example:
        >>> class TestHistorian(ReaderSaverContract):
        ...     plugin = "acme_historian.plugin"
        ...     engine = "pandas"
        ...     format = "historian"
    """
