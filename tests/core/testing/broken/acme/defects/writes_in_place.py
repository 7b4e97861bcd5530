"""Its saver writes over what is there."""

from dataclasses import replace

from acme.files import AcmeSaver, appended, read_table, write_table
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import SaveReport, hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        if is_there and dataset.mode in {"error", "ignore"}:
            return super().save_rows(table, dataset, target, is_there=is_there)
        written = table.num_rows
        if is_there and dataset.mode == "append":
            table = appended(read_table(dataset), table, dataset)
        write_table(table, target, dataset)
        return SaveReport(rows=written, location=str(target))


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
