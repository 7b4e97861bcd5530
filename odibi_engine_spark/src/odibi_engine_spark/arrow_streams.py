"""Frames of Spark as Arrow, a few batches at a time: whoever consumes them may stop before all of it is here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql.pandas.types import to_arrow_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.flavours import Flavour

__all__ = ["arrow_of_frame", "estimated_bytes"]

_SMALL: Final = 256 << 20
"""What Spark estimates at up to this many bytes is fetched at once. That took 0.04 s for a few rows where a stream took
0.5 s, for its Python workers and a job per partition (Spark 4.1 in this process, two busy cores)."""

_STATISTICS: Final = re.compile(r"sizeInBytes=([\d.]+(?:E[+-]?\d+)?) ([KMGTPE]i)?B")
_POWERS: Final = {"": 0, "Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def arrow_of_frame(frame: DataFrame, *, flavour: Flavour) -> pa.Table | pa.RecordBatchReader:
    """Return a frame's rows as Arrow: a stream, or a table if Spark is sure that it is small.

    A stream holds a few batches at a time in this process. Spark in this process computes it partition by partition,
    one ahead of what is consumed; a Spark Connect server and Sail send it as they compute it.

    Args:
        frame: The frame.
        flavour: What its session can do.
    """
    schema = to_arrow_schema(frame.schema, error_on_duplicated_field_names_in_struct=True)
    if flavour.kind != "classic":
        return pa.RecordBatchReader.from_batches(schema, _cast(_sent(frame), schema))
    if estimated_bytes(frame) <= _SMALL or not flavour.python_udfs:
        # Where executors cannot run Python, spark.driver.maxResultSize is the only bound.
        return frame.toArrow()
    return pa.RecordBatchReader.from_batches(schema, _cast(_computed(frame), schema))


def estimated_bytes(frame: DataFrame) -> float:
    """Return how big Spark expects a frame to be; infinity if it does not say. Nothing is computed.

    The estimate is for the planner, and too high rather than too low: of joined tables it is their product.

    Args:
        frame: The frame, of Spark in this process.
    """
    try:
        plan = frame.sparkSession.sql("EXPLAIN COST SELECT * FROM {frame}", frame=frame).collect()[0][0]
    except PySparkException:
        return float("inf")
    found = _STATISTICS.search(plan)
    return float("inf") if found is None else float(found[1]) * 1024 ** _POWERS[found[2] or ""]


def _sent(frame: Any) -> Iterator[pa.RecordBatch]:
    client = frame.sparkSession.client
    # What toLocalIterator does, which then makes Python's rows of the batches.
    plan, observations = frame._plan.to_proto(client), frame._plan.observations  # noqa: SLF001 - there is no public way
    for sent in client.to_table_as_iterator(plan, observations):
        if isinstance(sent, pa.Table):
            yield from sent.to_batches()


def _computed(frame: DataFrame) -> Iterator[pa.RecordBatch]:
    def packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Runs on the executors, which have pyarrow and not this module: being inside of a function it is sent along.
        import pyarrow as pa

        for batch in batches:
            buffer = pa.BufferOutputStream()
            with pa.ipc.new_stream(buffer, batch.schema) as writer:
                writer.write_batch(batch)
            yield pa.record_batch([[buffer.getvalue().to_pybytes()]], ["batch"])

    for row in frame.mapInArrow(packed, "batch binary").toLocalIterator(prefetchPartitions=True):
        yield from pa.ipc.open_stream(row.batch)


def _cast(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if batch.schema.equals(schema):
            yield batch
        else:
            yield from pa.Table.from_batches([batch]).cast(schema).to_batches()
