"""The manifest's options for plugins, checked against the plugins' own models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError  # noqa: TID253 - whoever reads a manifest has its models loaded already

from odibi_core.errors import ConfigError, OdibiError, Problem
from odibi_core.project.documents import Document
from odibi_core.project.manifest import PRIVATE_KEYS
from odibi_core.project.model_problems import problems_of
from odibi_core.project.secrets import holds_secret, resolve_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from odibi_core.loading import PluginManager
    from odibi_core.project.manifest import ProjectManifest

__all__ = ["FILES_STORE", "check_plugin_options", "checked_options", "needs_plugins", "resolve_options", "store_type"]

FILES_STORE = "files"
"""The ``config_store`` type that means the project's own files."""

_Model = TypeVar("_Model", bound=BaseModel)


def checked_options(
    options: Mapping[str, Any], *, model: type[_Model], what: str, context: Mapping[str, Any] | None = None
) -> _Model:
    """Return options as an instance of their model.

    Args:
        options: The options, with secrets resolved.
        model: The model.
        what: Whose options they are, for the message.
        context: What the model's validators may look at.

    Raises:
        ConfigError: Everything that is wrong with them, in one message without values.
    """
    try:
        return model.model_validate(dict(options), context=context)
    except ValidationError as error:
        document = Document(file=what, data=options)
        found = problems_of(error, document=document, model=model, private_keys=_Everything())
        raise ConfigError("\n".join(str(problem) for problem in found)) from None


def resolve_options(
    options: Mapping[str, Any], *, spec: Any, manager: PluginManager, what: str, root: Path
) -> dict[str, Any]:
    """Return a plugin's options as it gets them: secrets looked up, checked by its model, in the model's types.

    Args:
        options: The options as the manifest has them, without ``type``.
        spec: The plugin's spec, of any kind that has an ``options_model``.
        manager: Where the model and the providers of secrets come from.
        what: Whose options they are, for the message.
        root: The project's folder, which models may resolve relative paths against.

    Raises:
        ConfigError: The options are wrong, or a secret is missing; no value is shown.
        PluginError: The model, or a provider of secrets, is not installed or cannot be loaded.
    """
    resolved: dict[str, Any] = resolve_secrets(options, manager=manager, what=what)
    model = manager.load_options_model(spec)
    if model is None:
        return resolved
    checked = checked_options(resolved, model=model, what=what, context={"project_root": root})
    return checked.model_dump(exclude_unset=True)


class _Everything:
    """Contains every key: all options may be secrets."""

    def __contains__(self, _key: object) -> bool:
        return True


def needs_plugins(manifest: ProjectManifest) -> bool:
    """Return whether anything in a manifest can only be checked with the plugins at hand.

    Args:
        manifest: The manifest.
    """
    return bool(manifest.connections or manifest.log_sinks or manifest.engines or store_type(manifest))


def store_type(manifest: ProjectManifest) -> str | None:
    """Return the type of a manifest's config store, None if rows come from the project's files.

    Args:
        manifest: The manifest.
    """
    name = (manifest.config_store or {}).get("type")
    return name if isinstance(name, str) and name and name != FILES_STORE else None


def check_plugin_options(
    manifest: ProjectManifest, *, document: Document, manager: PluginManager, root: Path
) -> list[Problem]:
    """Return what is wrong with the manifest's options for connections, log sinks, engines and the config store.

    Options of an engine that is not installed are left alone: a manifest serves machines with different engines.

    Args:
        manifest: The manifest.
        document: Where it is from.
        manager: The installed plugins.
        root: The project's folder, which models may resolve relative paths against.
    """
    problems: list[Problem] = []
    for path, registry, name, options in _configured(manifest, manager):
        try:
            model = manager.load_options_model(registry.get(name))
        except OdibiError as error:
            problems.append(document.problem(str(error), path=(*path, "type")))
            continue
        if model is None:
            continue
        try:
            model.model_validate(options, context={"project_root": root})
        except ValidationError as error:
            problems += problems_of(
                error,
                document=document,
                model=model,
                path=path,
                private_keys=PRIVATE_KEYS,
                is_unknown=holds_secret,  # `checked_options` looks at it when its value is known
            )
    return problems


def _configured(
    manifest: ProjectManifest, manager: PluginManager
) -> Iterator[tuple[tuple[str | int, ...], Any, str, dict[str, Any]]]:
    typed: list[tuple[tuple[str | int, ...], Any, Mapping[str, Any]]] = [
        (("connections", name), manager.connections, options) for name, options in manifest.connections.items()
    ]
    typed += [(("log_sinks", index), manager.log_sinks, options) for index, options in enumerate(manifest.log_sinks)]
    if store_type(manifest) is not None:
        typed.append((("config_store",), manager.config_stores, manifest.config_store or {}))
    for path, registry, options in typed:
        name = options.get("type")
        if isinstance(name, str) and name.strip():  # a type that is missing is found with the manifest's other faults
            yield path, registry, name, {key: value for key, value in options.items() if key != "type"}
    for name, options in manifest.engines.items():
        if name in manager.engines:
            yield ("engines", name), manager.engines, name, dict(options)
