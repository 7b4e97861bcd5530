"""Frames on their way from one engine to another, and how many bytes may pass.

What an engine hands over as an Arrow stream is counted while it is consumed, so that a frame that is too big is refused
when that much of it has come, and not when all of it is in memory.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import HandOverTooLargeError, PluginError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["HandOver"]

_UNITS: Final = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclass(slots=True)
class HandOver:
    """One frame that is handed over.

    Args:
        subject: What is handed over, from where to where, such as ``"input 'silver.flights' from spark to pandas"``.
        max_bytes: How many bytes may pass; None means any number.

    Example:
        >>> import pyarrow as pa
        >>> table = pa.table({"delay": [21, 4]})
        >>> with HandOver("input 'flights' from spark to pandas", 1024).counted(table.to_reader()) as stream:
        ...     stream.read_all().num_rows
        2
        >>> try:
        ...     with HandOver("input 'flights' from spark to pandas", 8).counted(table.to_reader()) as stream:
        ...         _ = stream.read_all()
        ... except HandOverTooLargeError as error:
        ...     str(error)[:68]
        "input 'flights' from spark to pandas is more than may be handed over"
    """

    subject: str
    max_bytes: int | None
    _bytes: int = 0
    _raised: Exception | None = None

    @contextmanager
    def counted(self, stream: Any) -> Iterator[Any]:
        """Return the same rows as a stream that ends with an error once too much has passed.

        A library that consumes the stream may put what it raises into words of its own, so that is raised again at the
        end of the block, whatever became of it there.

        Args:
            stream: Anything with ``__arrow_c_stream__``. A table is counted at once, and returned as it is.

        Raises:
            HandOverTooLargeError: It is too big.
            PluginError: pyarrow, which counts, is not installed.
        """
        if self.max_bytes is None:
            yield stream
            return
        arrow = _arrow()
        if hasattr(type(stream), "__len__"):
            self._count(stream.nbytes if isinstance(stream, arrow.Table) else arrow.table(stream).nbytes)
            yield stream
            return
        # Made a stream once more, a reader would hand on what its source raises as text only.
        is_reader = isinstance(stream, arrow.RecordBatchReader)
        source = stream if is_reader else arrow.RecordBatchReader.from_stream(stream)
        passing = self._passing(source)
        try:
            yield arrow.RecordBatchReader.from_batches(source.schema, passing)
        except Exception as error:
            if self._raised is None or error is self._raised:
                raise
            raise self._raised from error
        finally:
            # What was not consumed is let go of here, and not when nobody keeps the error any more: a Spark Connect
            # server goes on computing until then. Closing a reader does not close what it reads from.
            passing.close()
            source.close()
            del passing, source, stream
        if self._raised is not None:
            raise self._raised

    def _passing(self, batches: Iterable[Any]) -> Generator[Any]:
        try:
            for batch in batches:
                self._count(batch.nbytes)
                yield batch
        except Exception as error:
            self._raised = error
            raise
        finally:
            del batches

    def _count(self, number: int) -> None:
        self._bytes += number
        if self.max_bytes is not None and self._bytes > self.max_bytes:
            raise HandOverTooLargeError(
                f"{self.subject} is more than may be handed over: {_size(self._bytes)} so far, and hand_over.max_bytes "
                f"is {_size(self.max_bytes)}. Save it as a table and read that on the other engine, run both on one "
                "engine, or raise hand_over.max_bytes in the manifest."
            )


def _arrow() -> ModuleType:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise PluginError(
            "hand_over.max_bytes is counted by pyarrow, which is not installed. It needs: pip install pyarrow. Or "
            "write max_bytes: null in the manifest to let any number of bytes pass."
        ) from error
    arrow: ModuleType = pa
    return arrow


def _size(number: int) -> str:
    for unit, name in _UNITS:
        if number >= unit:
            return f"{number / unit:.4g} {name}"
    return f"{number} bytes"
