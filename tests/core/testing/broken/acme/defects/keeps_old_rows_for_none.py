"""Its saver writes nothing where there is nothing to write."""

from dataclasses import replace

from acme.files import AcmeSaver
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import SaveReport, hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        if is_there and not table.num_rows:
            return SaveReport(rows=0, location=str(target))
        return super().save_rows(table, dataset, target, is_there=is_there)


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
