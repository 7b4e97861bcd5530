"""Its saver adds a column to the frame that it is given."""

from dataclasses import replace

from acme.files import AcmeSaver
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeSaver):
    def save(self, frame, dataset):
        frame.table = frame.rows()
        report = super().save(frame, dataset)
        frame.table = frame.table.append_column("saved", [["yes"] * frame.table.num_rows])
        return report


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
