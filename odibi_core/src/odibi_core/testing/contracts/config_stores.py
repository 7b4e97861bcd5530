"""The contract of a config store."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from odibi_core.errors import OdibiError, Problem
from odibi_core.loading import PluginManager
from odibi_core.loading.records import describe_error
from odibi_core.plugin import ConfigStore, ConfigStoreSpec
from odibi_core.testing.contract import Contract, refuse
from odibi_core.testing.options.shown_secrets import error_texts, refuse_shown, secrets_in

__all__ = ["ConfigStoreContract"]

_IDS = {"transformations": "transformation_id", "ingestion": "ingestion_id"}
_NOWHERE = "odibi-contract-nowhere"


class ConfigStoreContract(Contract):
    """What every config store keeps to: the rows of a project and environment, all of them, and nobody else's.

    Attributes:
        config_store: The store's name, as ``type`` in the manifest's ``config_store``.
        options: Its options without ``type``. What has to be made for each test, such as a table with rows, is the
            fixture `store_options`.
        project: The project whose rows are read.
        expected_rows: By environment, of two at least, the transformation rows that the store has: the cells that
            matter, ``transformation_id`` among them. Rows that are not enabled are rows too.
        expected_ingestion: By environment, the ingestion rows, in the same way.
        secrets: Texts within the options that nobody may see, besides what stands below a name such as ``password``.

    Example:
        >>> class TestListStore(ConfigStoreContract):
        ...     plugin = "acme_rows.plugin"
        ...     config_store = "sharepoint-list"
        ...     project = "Energy Efficiency"
        ...     expected_rows = {"qat": [{"transformation_id": "a"}, {"transformation_id": "b"}], "prod": []}
    """

    config_store: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    project: ClassVar[str] = ""
    expected_rows: ClassVar[Mapping[str, Sequence[Mapping[str, Any]]]] = MappingProxyType({})
    expected_ingestion: ClassVar[Mapping[str, Sequence[Mapping[str, Any]]]] = MappingProxyType({})
    secrets: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def store_spec(self, manager: PluginManager) -> ConfigStoreSpec:
        """The store's spec."""
        if not self.config_store:
            refuse("The contract does not say which config store it is about.", advice='Set: config_store = "...".')
        return manager.config_stores.get(self.config_store)

    @pytest.fixture
    def store_options(self) -> Mapping[str, Any]:
        """The options as a manifest has them, without ``type``."""
        return self.options

    @pytest.fixture
    def store_arguments(
        self, manager: PluginManager, store_spec: ConfigStoreSpec, store_options: Mapping[str, Any], tmp_path: Path
    ) -> dict[str, Any]:
        """What the store is made with: the options, checked by its own model in a project below ``tmp_path``."""
        from odibi_core.project import resolve_options

        what = f"config_store {self.config_store!r}"
        return resolve_options(store_options, spec=store_spec, manager=manager, what=what, root=tmp_path)

    @pytest.fixture
    def store(
        self, manager: PluginManager, store_spec: ConfigStoreSpec, store_arguments: dict[str, Any]
    ) -> ConfigStore:
        """The store."""
        made: ConfigStore = manager.load(store_spec)(**store_arguments)
        return made

    def test_two_environments_are_expected(self) -> None:
        """With one alone nobody could tell a store that looks at the environment from one that does not."""
        if not self.project or len(self.expected_rows) < 2 or not any(self.expected_rows.values()):  # noqa: PLR2004 - as said
            refuse(
                f"`project` is {self.project!r} and `expected_rows` has {len(self.expected_rows)} environments.",
                advice='Give both, such as expected_rows = {"qat": [{"transformation_id": "a"}], "prod": []}.',
            )

    def test_rows_are_those_of_the_project_and_environment(self, store: ConfigStore) -> None:
        """All of them, enabled or not, and none of another environment."""
        for kind, env, expected in self._expected():
            found = _read(store, kind, self.project, env)
            key = _IDS[kind]
            wanted_ids, found_ids = sorted(str(row[key]) for row in expected), sorted(str(row[key]) for row in found)
            if wanted_ids != found_ids:
                refuse(
                    f"read_{kind}({self.project!r}, {env!r}) returns the rows {', '.join(found_ids) or 'none'}; "
                    f"expected are {', '.join(wanted_ids) or 'none'}.",
                    advice="Return what is of this project and this environment, whether it is enabled or not.",
                )
            by_id = {str(row[key]): row for row in found}
            for row in expected:
                there = by_id[str(row[key])]
                for column, value in row.items():
                    if there.get(column) != value:
                        refuse(
                            f"Row {row[key]!r} of {env!r} has {column}={there.get(column)!r}; expected is {value!r}.",
                            advice="Return cells as they are stored: the kernel reads and checks them.",
                        )

    def test_rows_are_what_the_kernel_understands(self, store: ConfigStore) -> None:
        """The kernel's own reading of the rows finds nothing wrong with them."""
        for kind, env, _ in self._expected():
            problems = list(_problems(kind, _read(store, kind, self.project, env), project=self.project, env=env))
            if problems:
                refuse(
                    f"Of read_{kind}({self.project!r}, {env!r}) the kernel says: {'; '.join(map(str, problems))}.",
                    advice="Columns are those of the TransformationRegistry and the ingestion config, in any case.",
                )

    def test_an_unknown_project_or_environment_has_no_rows(self, store: ConfigStore) -> None:
        """Or there is an error of Odibi's that says what there is; never the rows of somebody else."""
        env = next(iter(self.expected_rows), "qat")
        for kind in _IDS:
            for project, environment in ((_NOWHERE, env), (self.project, _NOWHERE)):
                try:
                    found = _read(store, kind, project, environment)
                except OdibiError:
                    continue
                except Exception as error:  # noqa: BLE001 - any other error is what is looked for
                    refuse(
                        f"read_{kind}({project!r}, {environment!r}) raises {describe_error(error)}.",
                        advice="Return no rows, or raise ConfigError that says which there are.",
                    )
                if found:
                    refuse(
                        f"read_{kind}({project!r}, {environment!r}) returns {len(found)} rows: "
                        f"{', '.join(str(row[_IDS[kind]]) for row in found[:10])}.",
                        advice="Compare project and environment with what is asked for; a store has many of both.",
                    )

    def test_reading_again_gives_the_same(
        self, manager: PluginManager, store_spec: ConfigStoreSpec, store_arguments: dict[str, Any], store: ConfigStore
    ) -> None:
        """Reading changes nothing, and what a reader does with its rows is not seen by the next."""
        before = copy.deepcopy(store_arguments)
        for kind, env, _ in self._expected():
            first = _read(store, kind, self.project, env)
            expected = copy.deepcopy([dict(row) for row in first])
            for row in first:
                if isinstance(row, dict):
                    row.clear()
            again = manager.load(store_spec)(**store_arguments)
            for where, one in (("the same store", store), ("a new store", again)):
                if [dict(row) for row in _read(one, kind, self.project, env)] != expected:
                    refuse(
                        f"read_{kind}({self.project!r}, {env!r}) of {where} gives other rows the second time.",
                        advice="Return new rows, in a fixed order, at each call.",
                    )
        if store_arguments != before:
            refuse("The store changes the options that it is made with.", advice="Copy what you change.")

    def test_no_secret_is_shown(self, store_options: Mapping[str, Any], store: ConfigStore) -> None:
        """Not in the repr, and not in an error."""
        secrets = secrets_in(store_options, declared=self.secrets)
        if not secrets:
            pytest.skip("its options hold no secret: name one in `secrets` if they do")
        refuse_shown([repr(store), str(store)], secrets=secrets, where="the repr of the store")
        for kind in _IDS:
            try:
                _read(store, kind, _NOWHERE, _NOWHERE)
            except Exception as error:  # noqa: BLE001 - its words are looked at
                refuse_shown(error_texts(error), secrets=secrets, where=f"the error of read_{kind}")

    def _expected(self) -> Iterator[tuple[str, str, Sequence[Mapping[str, Any]]]]:
        for env, rows in self.expected_rows.items():
            yield "transformations", env, rows
            yield "ingestion", env, self.expected_ingestion.get(env, ())


def _read(store: ConfigStore, kind: str, project: str, env: str) -> list[Mapping[str, Any]]:
    """Return rows with columns in lower case, as the kernel takes them."""
    read = store.read_ingestion if kind == "ingestion" else store.read_transformations
    rows = list(read(project, env))
    for row in rows:
        if not isinstance(row, Mapping):
            refuse(
                f"read_{kind}({project!r}, {env!r}) returns a row that is a {type(row).__name__}.",
                advice="A row is a mapping from the names of columns to cells.",
            )
        if _IDS[kind] not in {str(column).lower() for column in row}:
            refuse(
                f"read_{kind}({project!r}, {env!r}) returns a row without {_IDS[kind]}: {', '.join(map(str, row))}.",
                advice=f"Name the column {_IDS[kind]}, in any case.",
            )
    return [_lower(row) for row in rows]


def _lower(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if all(column == str(column).lower() for column in row):
        return row  # itself, so that a test can change what the store has handed out
    return {str(column).lower(): value for column, value in row.items()}


def _problems(kind: str, rows: Sequence[Mapping[str, Any]], *, project: str, env: str) -> list[Problem]:
    from odibi_core.project.documents import Document
    from odibi_core.project.ingestion import parse_ingestion
    from odibi_core.project.row_reading import RowScope
    from odibi_core.project.transformations import parse_transformations

    # Layers are the manifest's, which a store has none of.
    scope = RowScope(project, None, {env.casefold(): env})
    parse = parse_ingestion if kind == "ingestion" else parse_transformations
    cells = [{**row, "environment": row.get("environment") or env} for row in rows]
    return parse(Document(file=f"read_{kind}", data=cells), scope=scope)[1]
