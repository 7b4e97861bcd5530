"""Its saver says that all is well when the disk is full."""

from dataclasses import replace

from acme.files import AcmeSaver
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import DatasetExistsError, SaveReport, hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        try:
            return super().save_rows(table, dataset, target, is_there=is_there)
        except DatasetExistsError:
            raise
        except OSError:
            return SaveReport(rows=table.num_rows, location=str(target))


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
