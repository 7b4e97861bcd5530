"""Its saver loses the zone of times within structs and lists."""

from dataclasses import replace

from acme.files import AcmeSaver
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        import pyarrow as pa

        schema = pa.schema([field.with_type(without_zones(field.type, pa)) for field in table.schema])
        return super().save_rows(table.cast(schema), dataset, target, is_there=is_there)


def without_zones(kind, pa, *, is_inside=False):
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, without_zones(field.type, pa, is_inside=True)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(without_zones(kind.value_type, pa, is_inside=True))
    return pa.timestamp(kind.unit) if is_inside and pa.types.is_timestamp(kind) else kind


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
