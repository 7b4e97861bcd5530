"""Its reader takes the first page of what is there, as one of a service with pages does that nobody turned."""

from dataclasses import replace

from acme.files import AcmeReader, read_table
from acme.plugin import READER, odibi_register_engines, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeReader):
    def read(self, dataset):
        return self.engine.from_arrow(read_table(dataset).slice(0, 100_000))


@hookimpl
def odibi_register_readers():
    yield replace(READER, factory=f"{__name__}:Broken")
