"""The order in which a session is looked for: handed in, active, built from the manifest."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_engine_spark.errors import SessionConflictError, SparkUnavailableError
from odibi_engine_spark.sessions.classic import build_classic, stop_classic
from odibi_engine_spark.sessions.connect import ConnectMode, address_shown, build_connect, stop_connect
from odibi_engine_spark.sessions.java import find_java
from odibi_engine_spark.sessions.sail import build_sail, has_sail
from odibi_engine_spark.sessions.warehouse import warehouse_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from odibi_engine_spark.flavours import FlavourKind
    from odibi_engine_spark.options import SparkEngineOptions

__all__ = ["SessionHandle", "kind_of", "open_session"]

_connect_mode = ConnectMode()


@dataclass(slots=True, kw_only=True)
class SessionHandle:
    """A session as one run has it.

    Args:
        session: The session.
        kind: Its flavour's kind.
        is_built: Whether the engine built it, and stops it when the last run lets go.
    """

    session: SparkSession
    kind: FlavourKind
    is_built: bool
    _release: Callable[[], None] = field(repr=False)

    def release(self) -> None:
        """Let go of it; doing so again does nothing."""
        release, self._release = self._release, _nothing
        release()


def _nothing() -> None:
    """Do nothing."""


@dataclass(slots=True, kw_only=True)
class _Built:
    session: SparkSession
    kind: FlavourKind
    shown: str
    stop: Callable[[], None]
    users: int = 0


class _BuiltSessions:
    """The sessions that the engine built in this process: runs that ask for the same one share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[str, _Built] = {}

    def acquire(self, options: SparkEngineOptions, *, project_root: Path) -> SessionHandle:
        with self._lock:
            target = _target(options)
            # Relative jars, and the tables that Sail manages, belong to one project.
            place = project_root if options.jars or target == "sail" else ""
            key = f"{target} {place} {options.model_dump_json()}"
            built = self._by_key.get(key)
            if built is None:
                self._check_neighbours("classic" if target == "classic" else "connect")
                built = self._by_key[key] = _build(target, options, project_root)
            built.users += 1

        def release() -> None:
            with self._lock:
                built.users -= 1
                if built.users == 0:
                    del self._by_key[key]
                    built.stop()

        return SessionHandle(session=built.session, kind=built.kind, is_built=True, _release=release)

    def _check_neighbours(self, wanted: str) -> None:
        for built in self._by_key.values():
            if wanted == "classic" or built.kind == "classic":
                raise SessionConflictError(
                    f"Another run in this process has a Spark session of its own ({built.shown}), and one process "
                    "cannot have both. Give both runs the same engines.spark, or run one of them in another process."
                )

    def has(self, kind: FlavourKind) -> bool:
        with self._lock:
            return any(built.kind == kind for built in self._by_key.values())

    def is_ours(self, session: object) -> bool:
        with self._lock:
            return any(built.session is session for built in self._by_key.values())


_built = _BuiltSessions()


def open_session(options: SparkEngineOptions, *, handed_in: Any, project_root: Path) -> SessionHandle:
    """Return the session of a run: the one handed in, else the active one, else one that is built or shared.

    Args:
        options: The manifest's ``engines.spark``.
        handed_in: A session of the caller, or None.
        project_root: The project's folder.

    Raises:
        SparkUnavailableError: None can be had; says what to install or start.
        SessionConflictError: Another run in this process has a session that excludes this one.
        ConfigError: What the manifest says does not fit.
    """
    session = handed_in if handed_in is not None else _active()
    if session is not None:
        return _borrowed(session)
    handle = _built.acquire(options, project_root=project_root)
    return handle if handle.kind == "classic" else _in_connect_mode(handle)


def _borrowed(session: Any) -> SessionHandle:
    kind = kind_of(session)
    handle = SessionHandle(session=session, kind=kind, is_built=False, _release=_nothing)
    return handle if kind == "classic" else _in_connect_mode(handle)


def _in_connect_mode(handle: SessionHandle) -> SessionHandle:
    inner = handle._release  # noqa: SLF001 - the same class' own field
    _connect_mode.enter()

    def release() -> None:
        try:
            inner()
        finally:
            _connect_mode.leave()

    handle._release = release  # noqa: SLF001 - the same class' own field
    return handle


def kind_of(session: Any) -> FlavourKind:
    """Return what a session is.

    Args:
        session: A SparkSession, classic or of Spark Connect.
    """
    if not type(session).__module__.startswith(("pyspark.sql.connect", "databricks.connect")):
        return "classic"
    return "sail" if _built_in_catalog(session) == "sail" else "connect"


def _built_in_catalog(session: Any) -> str:
    return str(session.catalog.currentCatalog())


def _active() -> Any:
    """Return a session that is active in this process and that the engine did not build."""
    if "pyspark.sql" not in sys.modules:
        return None
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        session = SparkSession.active()
    except PySparkException:
        return None
    is_classic = not type(session).__module__.startswith("pyspark.sql.connect")
    if is_classic and session.sparkContext._jsc is None:  # noqa: SLF001 - as PySpark's builder asks
        return None  # its context was stopped, and PySpark still has the session for active
    # There is one Spark application in a process: if the engine built it, every classic session is over it.
    ours = _built.has("classic") if is_classic else _built.is_ours(session)
    return None if ours else session


def _target(options: SparkEngineOptions) -> FlavourKind:
    if options.remote:
        return "connect"
    if options.sail:
        return "sail"
    if options.master or "PYSPARK_GATEWAY_PORT" in os.environ:
        return "classic"
    if os.environ.get("SPARK_REMOTE", "").startswith("sc://"):
        return "connect"
    if find_java() is not None:
        return "classic"
    if has_sail():
        return "sail"
    raise SparkUnavailableError(
        "No Java and no Sail: Spark needs one of them. Install Java 17 or newer, "
        'or, to run without it: pip install "odibi-engine-spark[sail]"'
    )


def _build(target: FlavourKind, options: SparkEngineOptions, project_root: Path) -> _Built:
    if target == "classic":
        session = build_classic(options, project_root=project_root)
        shown, end = options.master or "local[*]", partial(stop_classic, session)
        return _Built(session=session, kind=target, shown=shown, stop=end)
    if target == "sail":
        conf = dict([warehouse_of(project_root)]) | options.conf
        session, stop = build_sail(conf=conf, seconds=options.connect_timeout)
        return _Built(session=session, kind=target, shown="sail", stop=stop)
    remote = options.remote or os.environ["SPARK_REMOTE"]
    session = build_connect(remote, conf=options.conf, seconds=options.connect_timeout)
    stop = partial(stop_connect, session)
    return _Built(session=session, kind=kind_of(session), shown=address_shown(remote), stop=stop)
