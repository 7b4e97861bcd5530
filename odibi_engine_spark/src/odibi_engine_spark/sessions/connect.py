"""A session on a Spark Connect server."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from odibi_engine_spark.errors import SparkUnavailableError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.session import SparkSession as RemoteSparkSession

__all__ = [
    "ConnectMode",
    "address_shown",
    "at_first_try",
    "build_connect",
    "close_alone",
    "release_connect",
    "stop_connect",
]

_NEEDED = ("grpc", "grpc_status", "google.rpc", "zstandard")


def address_shown(remote: str) -> str:
    """Return the address of a Spark Connect server without its parameters, one of which may be a token.

    Args:
        remote: The address.

    Example:
        >>> address_shown("sc://host:15002/;token=abc;user_id=me")
        'sc://host:15002'
    """
    parts = urlsplit(remote)
    host = parts.netloc.rpartition("@")[2].partition(";")[0]
    return f"{parts.scheme}://{host}"


def build_connect(remote: str, *, conf: Mapping[str, str], seconds: float) -> SparkSession:
    """Connect to a Spark Connect server.

    Args:
        remote: The server's address, such as ``sc://host:15002``.
        conf: Settings of the session; what only a server's start can set is passed over, with Spark's own warning.
        seconds: How long to wait for the server's answer.

    Raises:
        SparkUnavailableError: The packages are not installed, or the server does not answer.
    """
    _check_packages()
    _check_server(remote, seconds=seconds)
    from pyspark.sql.connect.session import SparkSession as RemoteSparkSession

    builder = RemoteSparkSession.builder.remote(remote)
    for key, value in conf.items():
        builder = builder.config(key, value)
    return cast("SparkSession", builder.create())


@contextmanager
def at_first_try(session: SparkSession) -> Iterator[None]:
    """Have a client ask its server once: by itself it tries for ten minutes to reach one that is gone.

    Of several threads that want this of one client, the last one gives it back its patience.

    Args:
        session: A session; one that is not on a Spark Connect server has no such client.
    """
    if not type(session).__module__.startswith(("pyspark.sql.connect", "databricks.connect")):
        yield
        return
    client = cast("RemoteSparkSession", session).client
    _hurry.enter(client)
    try:
        yield
    finally:
        _hurry.leave(client)


class _Hurry:
    """The clients that ask once only at the moment, each with how many threads want that, and how it tries else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_client: dict[int, tuple[int, Any]] = {}

    def enter(self, client: Any) -> None:
        with self._lock:
            threads, policies = self._by_client.get(id(client), (0, None))
            if not threads:
                policies = client.get_retry_policies()
                client.set_retry_policies([])
            self._by_client[id(client)] = threads + 1, policies

    def leave(self, client: Any) -> None:
        with self._lock:
            threads, policies = self._by_client.pop(id(client))
            if threads > 1:
                self._by_client[id(client)] = threads - 1, policies
            else:
                client.set_retry_policies(policies)


_hurry = _Hurry()


def close_alone(session: SparkSession) -> None:
    """Let a session's client leave alone, when it is closed, the threads that it shares with all others.

    A session also closes its client when it is garbage. PySpark ends the threads then, and waits for them; on one of
    them, which collect garbage too, it would wait for itself.

    Args:
        session: A session on a Spark Connect server.
    """
    client: Any = cast("RemoteSparkSession", session).client
    client.close = partial(_close, client)


def _close(client: Any) -> None:
    client._channel.close()  # noqa: SLF001 - what its own `close` does
    # At exit PySpark asks the server of every client that is not closed, and asks a server that is gone for minutes.
    client._closed = True  # noqa: SLF001 - as above


def release_connect(session: SparkSession) -> None:
    """Let the server forget a session and what it holds, if the server is there and knows it.

    Args:
        session: A session on a Spark Connect server.
    """
    from pyspark.errors import PySparkException

    with suppress(PySparkException), at_first_try(session):
        cast("RemoteSparkSession", session).client.release_session()


def stop_connect(session: SparkSession) -> None:
    """Release a session on its server, and close the connection.

    Args:
        session: A session on a Spark Connect server.
    """
    release_connect(session)
    close_alone(session)
    # Once is enough, and PySpark tells of a failure by a deprecated function.
    cast("RemoteSparkSession", session).release_session_on_close = False
    session.stop()


def _check_packages() -> None:
    missing = [name for name in _NEEDED if not _is_there(name)]
    if missing:
        raise SparkUnavailableError(
            f"Spark Connect needs packages that are not installed: {', '.join(missing)}. "
            'Install them: pip install "odibi-engine-spark[connect]"'
        )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _check_server(remote: str, *, seconds: float) -> None:
    """Ask for the server's version, once and with a deadline: Spark's own client goes on trying for ten minutes."""
    import grpc
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client.core import DefaultChannelBuilder
    from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

    shown = address_shown(remote)
    try:
        builder = DefaultChannelBuilder(remote)
        channel = builder.toChannel()
    except PySparkException as error:
        raise SparkUnavailableError(f"{shown} is no address of a Spark Connect server: {error}") from error
    request = base_pb2.AnalyzePlanRequest(session_id=str(uuid.uuid4()))
    if builder.userId is not None:
        request.user_context.user_id = builder.userId
    request.spark_version.SetInParent()
    try:
        base_pb2_grpc.SparkConnectServiceStub(channel).AnalyzePlan(  # type: ignore[no-untyped-call]  # generated code
            request, metadata=list(builder.metadata()), timeout=seconds, wait_for_ready=True
        )
    except grpc.RpcError as error:
        raise SparkUnavailableError(_refusal(error, shown, seconds)) from error
    finally:
        channel.close()


def _refusal(error: object, shown: str, seconds: float) -> str:
    import grpc

    code = error.code() if isinstance(error, grpc.Call) else None
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return (
            f"The Spark Connect server {shown} does not answer within {seconds:g} s. Is it running? "
            "engines.spark.connect_timeout says how long to wait."
        )
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return f"The Spark Connect server {shown} refuses us: check the token in engines.spark.remote."
    name = code.name if code is not None else type(error).__name__
    return f"The Spark Connect server {shown} answers {name}; is it one?"


class ConnectMode:
    """Makes `pyspark.sql.functions` build for Spark Connect, as long as somebody in this process needs it.

    PySpark decides by an environment variable, which its builder sets and never takes back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._was_set = False

    def enter(self) -> None:
        """Switch it on."""
        import os

        with self._lock:
            if self._users == 0:
                self._was_set = _VARIABLE in os.environ
                os.environ[_VARIABLE] = "1"
            self._users += 1

    def leave(self) -> None:
        """Switch it off when the last one leaves, unless it was on before the first came."""
        import os

        with self._lock:
            self._users -= 1
            if self._users == 0 and not self._was_set:
                os.environ.pop(_VARIABLE, None)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Have it on for a while."""
        self.enter()
        try:
            yield
        finally:
            self.leave()


_VARIABLE = "SPARK_CONNECT_MODE_ENABLED"
