"""Its saver saves the first batch of a frame."""

from dataclasses import replace

from acme.files import AcmeSaver
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        first = table.slice(0, len(table.column(0).chunk(0)) if table.num_rows else 0)
        return super().save_rows(first, dataset, target, is_there=is_there)


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
