"""Its reader keeps the file open."""

from dataclasses import replace
from pathlib import Path

from acme.files import AcmeReader
from acme.plugin import READER, odibi_register_engines, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl

OPEN = []


class Broken(AcmeReader):
    def read(self, dataset):
        frame = super().read(dataset)
        OPEN.append(Path(dataset.location).open("rb"))  # noqa: SIM115 - the defect
        return frame


@hookimpl
def odibi_register_readers():
    yield replace(READER, factory=f"{__name__}:Broken")
