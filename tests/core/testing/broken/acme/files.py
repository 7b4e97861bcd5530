"""Arrow IPC files."""

from pathlib import Path

from odibi_core.plugin import DataFormatError, DatasetExistsError, DatasetNotFoundError, SaveReport
from odibi_core.plugin.files import TargetAppearedError, locked, staged_file


class AcmeReader:
    def __init__(self, engine):
        self.engine = engine

    def read(self, dataset):
        return self.engine.from_arrow(read_table(dataset))


class AcmeSaver:
    def __init__(self, engine):
        self.engine = engine

    def save(self, frame, dataset):
        table, target = self.engine.to_arrow(frame), Path(dataset.location)
        target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                with locked(target) as is_there:
                    return self.save_rows(table, dataset, target, is_there=is_there)
            except TargetAppearedError:
                continue  # somebody created it meanwhile: then it is there

    def save_rows(self, table, dataset, target, *, is_there):
        written = table.num_rows
        if is_there and dataset.mode == "error":
            raise DatasetExistsError(f"{dataset.name!r} is there already: {target}")
        if is_there and dataset.mode == "ignore":
            return SaveReport(rows=0, location=str(target), was_written=False)
        if is_there and dataset.mode == "append":
            table = appended(read_table(dataset), table, dataset)
        with staged_file(target, only_if_absent=not is_there) as partial:
            write_table(table, partial, dataset)
        return SaveReport(rows=written, location=str(target))


def read_table(dataset):
    import pyarrow as pa

    try:
        with pa.OSFile(dataset.location, "rb") as file:
            return pa.ipc.open_file(file).read_all()
    except FileNotFoundError as error:
        raise DatasetNotFoundError(f"{dataset.name!r} is not there: {dataset.location}") from error
    except pa.ArrowInvalid as error:
        raise DataFormatError(f"{dataset.name!r} is no Arrow file: {dataset.location}: {error}") from error


def appended(old, new, dataset):
    import pyarrow as pa

    if sorted(old.column_names) != sorted(new.column_names):
        raise DataFormatError(f"{dataset.name!r} has the columns {old.column_names}, and {new.column_names} come")
    try:
        return pa.concat_tables([old, new.select(old.column_names).cast(old.schema)])
    except pa.ArrowInvalid as error:
        raise DataFormatError(f"{dataset.name!r} has other types of columns: {error}") from error


def write_table(table, path, dataset):
    import pyarrow as pa

    options = pa.ipc.IpcWriteOptions(compression=dataset.options.get("compression"))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_table(table.unify_dictionaries())
