"""Its reader reads each location once."""

from dataclasses import replace

from acme.files import AcmeReader
from acme.plugin import READER, odibi_register_engines, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeReader):
    def __init__(self, engine):
        super().__init__(engine)
        self._frames = {}

    def read(self, dataset):
        if dataset.location not in self._frames:
            self._frames[dataset.location] = super().read(dataset)
        return self._frames[dataset.location]


@hookimpl
def odibi_register_readers():
    yield replace(READER, factory=f"{__name__}:Broken")
