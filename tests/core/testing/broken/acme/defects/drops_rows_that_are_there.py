"""Its saver takes no row that is there already."""

from dataclasses import replace

from acme.files import AcmeSaver, read_table
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        if is_there and dataset.mode == "append":
            old = read_table(dataset).to_pylist()
            table = table.filter([row not in old for row in table.to_pylist()])
        return super().save_rows(table, dataset, target, is_there=is_there)


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
