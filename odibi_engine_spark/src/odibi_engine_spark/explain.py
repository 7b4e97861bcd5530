"""Spark's errors in words: one line, and what to do, out of a trace that has hundreds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from odibi_core.plugin import OdibiError, did_you_mean

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["explanation", "is_transient", "is_unimplemented", "one_line"]

_OURS = ("pyspark", "py4j", "delta", "grpc")
_TRANSIENT_CODES = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"})
_TRANSIENT_WORDS = ("DELTA_CONCURRENT_", "ConcurrentAppendException", "ConcurrentWriteException")
_MISMATCH = re.compile(
    r"java\.lang\.(NoSuchMethodError|NoSuchFieldError|NoClassDefFoundError|AbstractMethodError|IncompatibleClassChangeError)"
)

_CONDITION = re.compile(r"^\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]\s*")
_JAVA_CLASS = re.compile(r"^\(?((?:[a-z_][\w$]*\.)+[A-Z][\w$]*)\)?:?\s+")
_SQLSTATE = re.compile(r"\s*SQLSTATE: \w{5};?")
_COLUMN = (
    re.compile(r"with name `(.+?)` cannot be resolved"),
    re.compile(r"ObjectName\(\[Identifier\(\"(.+?)\"\)\]\) is missing from the schema"),
    re.compile(r"Attribute `(.+?)` is not supported"),
)
_SOURCE = re.compile(r"(?:find (?:the )?data source|No data source found for): (\w[\w.]*)")
_WORKER_PLACE = re.compile(r'File "(?:.*[\\/])?([^"\\/]+)", line (\d+), in (\S+)')


def explanation(error: BaseException, frames: Mapping[str, DataFrame]) -> str | None:
    """Return what an error of Spark says in one line, and what to do about it; None if it is not Spark's.

    Args:
        error: What was raised.
        frames: The frames that a function was given, by the name of the input.
    """
    if isinstance(error, OdibiError) or not _is_of_spark(error):
        return None
    said = one_line(error)
    for explain in (_from_worker, _missing_column, _missing_source, _mismatch, _stopped, _lost, _advice):
        text = explain(error, said, frames)
        if text:
            return text
    return said


def one_line(error: BaseException) -> str:
    r"""Return the one line of an error that matters, without Java's classes and stack.

    Args:
        error: Any error.

    Example:
        >>> one_line(RuntimeError("[PATH_NOT_FOUND] Path does not exist: /x. SQLSTATE: 42K03\n\nJVM stacktrace:"))
        'Path does not exist: /x.'
    """
    if type(error).__module__.startswith("grpc"):
        details = getattr(error, "details", None)
        return str(details() if callable(details) else error).splitlines()[0]
    text = _java_text(error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return _without_frills(first)


def is_transient(error: BaseException) -> bool:
    """Return whether an error of Spark may pass by itself.

    Args:
        error: Any error.
    """
    if not _is_of_spark(error):
        return False
    if _status(error) in _TRANSIENT_CODES:
        return True
    text = f"{type(error).__name__} {error}"
    return any(word in text for word in _TRANSIENT_WORDS)


def is_unimplemented(error: BaseException) -> bool:
    """Return whether a Spark Connect server does not know what was asked of it.

    Args:
        error: Any error.
    """
    return _status(error) == "UNIMPLEMENTED" or "UNIMPLEMENTED" in str(error)


def _is_of_spark(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in _OURS


def _status(error: BaseException) -> str:
    """Return the name of a gRPC status, an empty text for an error that has none."""
    code = getattr(error, "code", None)
    if not callable(code):
        return ""
    return str(getattr(code(), "name", ""))


def _java_text(error: BaseException) -> str:
    """Return what was said in Java: py4j puts its own words and a line end in front."""
    text = str(error)
    if type(error).__module__.startswith("py4j") and "\n: " in text:
        return text.partition("\n: ")[2]
    return text


def _without_frills(line: str) -> str:
    line = _JAVA_CLASS.sub("", line)
    line = _CONDITION.sub("", line)
    return _SQLSTATE.sub("", line).strip() or line


def _condition(error: BaseException) -> str:
    get: Callable[[], str | None] | None = getattr(error, "getCondition", None)
    if callable(get) and (condition := get()):
        return condition
    text = _JAVA_CLASS.sub("", _java_text(error).strip())
    match = _CONDITION.match(text)
    return match[1] if match else ""


def _from_worker(error: BaseException, said: str, frames: Mapping[str, DataFrame]) -> str | None:
    """Say what a Python function raised on an executor: the last line of the trace that is in the error."""
    del said, frames
    text = str(error)
    start = text.find("Traceback (most recent call last):")
    if start < 0:
        return None
    lines = []
    for line in text[start:].splitlines()[1:]:
        if not line.strip() or line.lstrip().startswith("at org.") or line.startswith("JVM stacktrace"):
            break
        lines.append(line)
    raised = next((line.strip() for line in reversed(lines) if not line.startswith(" ")), "")
    if not raised:
        return None
    places = [match for line in lines if (match := _WORKER_PLACE.search(line))]
    where = f" ({places[-1][3]}, line {places[-1][2]} of {places[-1][1]})" if places else ""
    advice = " Install it where the executors run." if raised.startswith("ModuleNotFoundError") else ""
    return f"a Python function failed on an executor: {raised}{where}.{advice}".replace("..", ".")


def _missing_column(error: BaseException, said: str, frames: Mapping[str, DataFrame]) -> str | None:
    column = next((match[1] for pattern in _COLUMN if (match := pattern.search(said))), None)
    if column is None or (not frames and "Attribute" in said):
        return None
    name = column.replace("`.`", ".")
    columns_of = {source: columns for source, frame in frames.items() if (columns := _columns(frame)) is not None}
    last = name.rpartition(".")[2]
    lacking = {source: columns for source, columns in columns_of.items() if last not in columns}
    if not lacking:
        return f"column {name!r} is not in the frame that was asked for it. {_proposal(error, name)}".strip()
    told = " ".join(
        f"column {name!r} is not in input {source!r} (columns: {', '.join(columns)}). "
        f"{did_you_mean(last, columns)}".strip()
        for source, columns in lacking.items()
    )
    if "Attribute" not in said:
        return told
    return f"{told} Nor has a frame of Spark a method {name!r}: a function for pandas needs a twin for Spark."


def _columns(frame: DataFrame) -> list[str] | None:
    try:
        return list(frame.columns)
    except Exception:  # noqa: BLE001 - a plan that does not hold has no columns, and this is about another error
        return None


def _proposal(error: BaseException, name: str) -> str:
    listed = str(error).partition("Did you mean one of the following? [")[2].partition("]")[0]
    choices = re.findall(r"`([^`]+)`", listed)
    return did_you_mean(name, choices) or (f"There are: {', '.join(choices)}." if choices else "")


def _missing_source(error: BaseException, said: str, frames: Mapping[str, DataFrame]) -> str | None:
    del frames
    text = _java_text(error)
    if "No suitable driver" in said:
        return f"no JDBC driver for this address: its jar is missing. {_ANY_SOURCE}"
    match = _SOURCE.search(text.partition("\n")[0]) or _SOURCE.search(said)
    if match is None:
        return None
    name = match[1].rstrip(".")
    return f"Spark has no data source {name!r}: its jar is missing. {_SOURCES.get(name, _ANY_SOURCE)}"


_ANY_SOURCE = "Name the jar in engines.spark.jars, or its Maven coordinate in engines.spark.packages."
_SOURCES = {
    "avro": "Add engines.spark.packages: org.apache.spark:spark-avro_2.13:<the version of Spark>.",
    "delta": "Install odibi-engine-spark[delta]; a session of your own needs the jar of Delta when it starts.",
}


def _mismatch(error: BaseException, said: str, frames: Mapping[str, DataFrame]) -> str | None:
    del frames
    match = _MISMATCH.search(str(error)[:20_000])
    if match is None:
        return None
    whose = "Delta's jars and Spark" if "delta" in str(error)[:20_000] else "Spark and one of its jars"
    return f"versions of {whose} do not go together ({match[1]}: {said}). `odibi doctor` says which do."


def _stopped(error: BaseException, said: str, frames: Mapping[str, DataFrame]) -> str | None:
    del said, frames
    is_stopped = _condition(error) in {"SPARK_JOB_CANCELLED", "OPERATION_CANCELED"} or "cancelled part of" in str(error)
    return "its Spark jobs were stopped." if is_stopped else None


def _lost(error: BaseException, said: str, frames: Mapping[str, DataFrame]) -> str | None:
    del frames
    if _status(error) == "UNAVAILABLE" or "StatusCode.UNAVAILABLE" in str(error):
        return f"the Spark Connect server does not answer any more: {said}"
    if type(error).__name__ == "Py4JNetworkError" or "Answer from Java side is empty" in str(error):
        return (
            "Spark's Java process is gone; it may have run out of memory (spark.driver.memory in engines.spark.conf)."
        )
    return None


def _advice(error: BaseException, said: str, frames: Mapping[str, DataFrame]) -> str | None:
    del frames
    condition = _condition(error)
    if condition.startswith("TABLE_OR_VIEW_NOT_FOUND") or "Table or view not found" in said:
        name = re.search(r"`.+`|(?<=not found: )\S+$", said)
        what = f"there is no table or view {name[0]}" if name else "a table or view is not there"
        return f"{what}; check its name and schema, and what should have written it."
    return None
