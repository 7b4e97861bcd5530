"""Its engine takes the codes of categories for their values."""

from dataclasses import replace

from acme.engine import AcmeEngine, Frame
from acme.plugin import ENGINE, odibi_register_readers, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeEngine):
    def from_arrow(self, stream):
        import pyarrow as pa

        table = super().from_arrow(stream).table
        columns = [
            pa.chunked_array([one.indices.cast("string") for one in column.chunks], "string")
            if pa.types.is_dictionary(column.type)
            else column
            for column in table.columns
        ]
        return Frame(pa.table(columns, names=table.column_names))


@hookimpl
def odibi_register_engines():
    yield replace(ENGINE, factory=f"{__name__}:Broken")
