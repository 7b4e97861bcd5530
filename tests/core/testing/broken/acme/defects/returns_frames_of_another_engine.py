"""Its reader returns Arrow tables, which are no frames of its engine."""

from dataclasses import replace

from acme.files import AcmeReader, read_table
from acme.plugin import READER, odibi_register_engines, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeReader):
    def read(self, dataset):
        return read_table(dataset)


@hookimpl
def odibi_register_readers():
    yield replace(READER, factory=f"{__name__}:Broken")
