"""Its saver leaves nulls within lists out."""

from dataclasses import replace

from acme.files import AcmeSaver
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        import pyarrow as pa

        columns = [
            pa.array([value and [one for one in value if one is not None] for value in column.to_pylist()], column.type)
            if pa.types.is_list(column.type)
            else column
            for column in table.columns
        ]
        return super().save_rows(pa.table(columns, schema=table.schema), dataset, target, is_there=is_there)


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
