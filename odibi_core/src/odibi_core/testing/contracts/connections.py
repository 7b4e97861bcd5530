"""The contract of a type of connection."""

from __future__ import annotations

import copy
import pickle
import posixpath
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

import pytest

from odibi_core.errors import OdibiError
from odibi_core.loading import PluginManager
from odibi_core.loading.records import describe_error
from odibi_core.plugin import Connection, ConnectionConfig, ConnectionSpec
from odibi_core.testing.contract import Contract, refuse
from odibi_core.testing.options.shown_secrets import error_texts, refuse_shown, secrets_in

__all__ = ["ConnectionContract"]

_HOSTILE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "parent": "..",
        "parent's file": "../secret.csv",
        "up and down": "a/../../secret.csv",
        "dots in between": "./a/./../.././../secret.csv",
        "absolute": "/etc/passwd",
        "two slashes": "//evil/share/x.csv",
        "file URL": "file:///etc/passwd",
        "other store": "s3://other-bucket/x.csv",
        "web": "https://evil.example/x.csv",
        "upper case scheme": "HTTPS://evil.example/x.csv",
        "quoted dots": "%2e%2e/secret.csv",
        "quoted slash": "..%2fsecret.csv",
        "quoted twice": "%252e%252e/secret.csv",
        "nul": "a\0b.csv",
        "nul and parent": "a\0/../../secret.csv",
    }
)
"""Paths of rows that mean something outside, or pretend to."""

_FRIENDLY: Final = (
    "sales/2024.csv",
    "sales.csv",
    "landing/*.csv",
    "y=2024/m=01/part 1.parquet",
    "stra\u00dfe/\u65e5\u672c.csv",
    "a/./b..c.csv",
)
_THREADS = 8


class ConnectionContract(Contract):
    """What every connection keeps to: paths stay below its root, and its secrets stay secret.

    Attributes:
        connection: The name of the type, as in the manifest's ``connections``.
        options: Its options without ``type``. What has to be made for each test is the fixture `connection_options`.
        secrets: Texts within the options that nobody may see, besides what stands below a name such as ``password``.

    Example:
        >>> class TestSharePoint(ConnectionContract):
        ...     plugin = "acme_sharepoint.plugin"
        ...     connection = "sharepoint"
        ...     options = {"site": "https://acme.example/sites/energy", "token": "odibi-secret"}
    """

    connection: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    secrets: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def connection_spec(self, manager: PluginManager) -> ConnectionSpec:
        """The spec of the type."""
        if not self.connection:
            refuse("The contract does not say which connection it is about.", advice='Set: connection = "sharepoint".')
        return manager.connections.get(self.connection)

    @pytest.fixture
    def connection_options(self) -> Mapping[str, Any]:
        """The options as a manifest has them, without ``type``."""
        return self.options

    @pytest.fixture
    def config(
        self,
        manager: PluginManager,
        connection_spec: ConnectionSpec,
        connection_options: Mapping[str, Any],
        tmp_path: Path,
    ) -> ConnectionConfig:
        """What the connection is made with: the options, checked by its own model in a project below ``tmp_path``."""
        from odibi_core.project import resolve_options

        what = f"connection {self.connection!r}"
        options = resolve_options(connection_options, spec=connection_spec, manager=manager, what=what, root=tmp_path)
        return ConnectionConfig(name="lake", project_root=tmp_path, options=options)

    @pytest.fixture
    def opened(self, manager: PluginManager, connection_spec: ConnectionSpec, config: ConnectionConfig) -> Connection:
        """The connection."""
        connection: Connection = manager.load(connection_spec)(config)
        return connection

    # --- locations ---

    @pytest.mark.parametrize("path", _FRIENDLY)
    def test_a_path_is_located_below_the_root(self, opened: Connection, path: str) -> None:
        """A glob stays a glob, and no name is changed."""
        located = opened.locate(path)
        if not _is_absolute(located):
            refuse(f"locate({path!r}) is {located!r}.", advice="Return an absolute path or a URI.")
        wanted = posixpath.normpath(path)
        if not any(one.endswith((path, wanted)) for one in (located, unquote(located))):
            refuse(
                f"locate({path!r}) is {located!r}, which does not end with the path.",
                advice="Return the root with the path behind it; quote it only if the location is a URL.",
            )

    @pytest.mark.parametrize("path", list(_HOSTILE.values()), ids=list(_HOSTILE))
    def test_a_hostile_path_does_not_leave_the_root(self, opened: Connection, path: str) -> None:
        """Rows are written by many people, and whoever may write one must not read every file."""
        self._stays_inside(opened, path)

    def test_a_folder_beside_the_root_is_not_inside(self, opened: Connection) -> None:
        """``/lake2`` begins with ``/lake``, and is not below it."""
        name = posixpath.basename(_root_of(opened).rstrip("/"))
        for path in (f"../{name}2/x.csv", f"../{name}-secret/x.csv", f"../{name}/../{name}2/x.csv"):
            self._stays_inside(opened, path)

    def test_locations_are_the_same_each_time_and_from_each_thread(
        self, manager: PluginManager, connection_spec: ConnectionSpec, config: ConnectionConfig, opened: Connection
    ) -> None:
        """A plan is made once and read again; and two paths are two locations."""
        expected = [opened.locate(path) for path in _FRIENDLY]
        again = manager.load(connection_spec)(config)
        with ThreadPoolExecutor(_THREADS) as pool:
            found = [*pool.map(lambda _: [opened.locate(path) for path in _FRIENDLY], range(_THREADS))]
        found.append([again.locate(path) for path in _FRIENDLY])
        for those in found:
            for path, one, other in zip(_FRIENDLY, expected, those, strict=True):
                if one != other:
                    refuse(
                        f"locate({path!r}) is {one!r}, and then {other!r}.",
                        advice="A location depends on the options and the path, and on nothing else.",
                    )
        if len(set(expected)) != len(expected):
            refuse(f"Two of {', '.join(_FRIENDLY)} have one location.", advice="Different paths are different places.")

    # --- storage options ---

    def test_storage_options_are_a_plain_mapping(self, opened: Connection) -> None:
        """They are handed to fsspec, delta-rs and worker processes: text keys, and values that can be copied."""
        found: Any = opened.storage_options()
        if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
            refuse(
                f"storage_options() is a {type(found).__name__} that is no mapping from texts.",
                advice="Return a dict as fsspec understands it; empty for local files.",
            )
        try:
            pickle.dumps(dict(found))
        except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
            refuse(
                f"storage_options() cannot be pickled: {type(error).__name__}.",
                advice="Give what clients are made from (texts, numbers), not the clients.",
            )

    def test_storage_options_are_nobody_elses(self, opened: Connection, config: ConnectionConfig) -> None:
        """A reader that adds an option of its own must not change what the next one gets, nor the manifest."""
        options = copy.deepcopy(dict(config.options))
        first = opened.storage_options()
        expected = copy.deepcopy(dict(first))
        if isinstance(first, dict):
            first["odibi_contract"] = True
        if dict(opened.storage_options()) != expected:
            refuse(
                "What is put into the mapping of storage_options() is there at the next call.",
                advice="Return a new dict at each call: return {**self._options}.",
            )
        if dict(config.options) != options:
            refuse(
                "The connection changes the options that it is made from.", advice="Copy them: dict(config.options)."
            )

    # --- secrets ---

    def test_no_secret_is_shown(
        self, connection_options: Mapping[str, Any], opened: Connection, config: ConnectionConfig
    ) -> None:
        """Not in the repr, in locations, or in the error of a path that is refused. Locations are in the run log."""
        secrets = secrets_in(connection_options, declared=self.secrets)
        if not secrets:
            pytest.skip("its options hold no secret: name one in `secrets` if they do")
        refuse_shown([repr(opened), str(opened)], secrets=secrets, where="the repr of the connection")
        refuse_shown([repr(config)], secrets=secrets, where="the repr of its options")
        refuse_shown((opened.locate(path) for path in _FRIENDLY), secrets=secrets, where="a location")
        for path in _HOSTILE.values():
            try:
                opened.locate(path)
            except Exception as error:  # noqa: BLE001 - its words are looked at
                refuse_shown(error_texts(error), secrets=secrets, where=f"the error of locate({path!r})")

    def _stays_inside(self, connection: Connection, path: str) -> None:
        root = _root_of(connection)
        try:
            located = connection.locate(path)
        except OdibiError:
            return
        except Exception as error:  # noqa: BLE001 - any other error is what is looked for
            refuse(
                f"locate({path!r}) raises {describe_error(error)}.",
                advice="Raise ConfigError, and say which folder the path would leave.",
            )
        outside = [one for one in _meanings(located) if not _is_below(one, root)]
        if outside or "\0" in located:
            refuse(
                f"locate({path!r}) is {located!r}, which is outside of {root!r}.",
                advice="Normalise the joined path, compare it with the root and a slash behind it, and raise "
                "ConfigError if it is not below.",
            )


def _root_of(connection: Connection) -> str:
    located = connection.locate("odibi-contract.csv")
    return located[: -len("odibi-contract.csv")].rstrip("/") or "/"


def _is_absolute(location: str) -> bool:
    return "://" in location or Path(location).is_absolute() or posixpath.isabs(location)


def _meanings(location: str) -> Iterator[str]:
    """Yield what may be made of a location: itself, and unquoted if it is a URL that servers unquote."""
    yield location
    if "://" in location and not location.startswith("file:"):
        yield unquote(location)


def _is_below(location: str, root: str) -> bool:
    place, base = _normal(location), _normal(root)
    return place == base or place.startswith(base.rstrip("/") + "/")


def _normal(location: str) -> str:
    if "://" not in location:
        return posixpath.normpath(location)
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc}{posixpath.normpath(parts.path or '/')}"
