"""The manifest: what a project says about itself, as a model that refuses every key it does not know."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import (  # noqa: TID253 - this module is nothing but pydantic models
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from odibi_core.errors import Problem, ValidationFailed
from odibi_core.project.documents import Document, read_document
from odibi_core.project.hand_over import HandOverConfig
from odibi_core.project.model_problems import kind_of, problems_of
from odibi_core.project.templates import ProjectType, project_type_of, template

__all__ = [
    "PRIVATE_KEYS",
    "LayerConfig",
    "PluginChoices",
    "ProjectManifest",
    "ProjectType",
    "RetryConfig",
    "Warehouse",
    "manifest_data",
    "manifest_problems",
]

_MEANT = {"project": "project_name", "name": "project_name", "engine": "default_engine", "env": "default_env"}
"""Keys that documents of the predecessor use for others."""

PRIVATE_KEYS = frozenset({"config_store", "connections", "engines", "log_sinks", "plugins"})
"""Keys below which a value may be a secret, so that no message shows it."""

_CONFIG = ConfigDict(extra="forbid", validate_assignment=True, hide_input_in_errors=True)


class RetryConfig(BaseModel):
    """When a failed attempt at a transformation is followed by another; what is left out is left to the level above.

    The pause after attempt ``n`` is ``delay * backoff ** (n - 1)`` seconds, at most ``max_delay``, and up to ``jitter``
    seconds more, at random.

    Args:
        attempts: All attempts together; 1 means that nothing is tried again.
        delay: Seconds before the second attempt.
        backoff: By what the pause grows from attempt to attempt.
        max_delay: Seconds, the longest pause.
        jitter: Seconds, what chance may add to a pause.
        errors: Classes of errors after which trying again may help, besides those that always are: a builtin such as
            ``"OSError"``, or ``"package.module:Error"``.

    Example:
        >>> RetryConfig(attempts=5).model_dump(exclude_unset=True)
        {'attempts': 5}
    """

    model_config = _CONFIG

    attempts: StrictInt | None = Field(default=None, ge=1, description="All attempts together")
    delay: float | None = Field(default=None, ge=0, description="Seconds before the second attempt")
    backoff: float | None = Field(default=None, ge=1, description="By what the pause grows from attempt to attempt")
    max_delay: float | None = Field(default=None, ge=0, description="Seconds, the longest pause")
    jitter: float | None = Field(default=None, ge=0, description="Seconds, what chance may add to a pause")
    errors: list[str] | None = Field(default=None, description="Errors after which trying again may help")


class LayerConfig(BaseModel):
    """What a project says about one of its layers.

    Args:
        name: The layer's name, as in ``layer_order``.
        description: What the layer holds.
        depends_on: Layers that must have succeeded before this one begins.
        cache_tables: Tables to keep in memory after the layer, on engines that can.
        max_workers: How many transformations of the layer may run at once; None leaves it to the run.
        default_engine: The engine of the layer's transformations.
        retry: What its transformations are tried again after, and when.
        timeout: Seconds that each of its transformations may take before it saves.

    Example:
        >>> LayerConfig(name="Silver", depends_on=["Bronze"]).max_workers is None
        True
    """

    model_config = _CONFIG

    name: str
    description: str = ""
    depends_on: list[str] = Field(default=[], description="Layers that must have succeeded before this one begins")
    cache_tables: list[str] = Field(default=[], description="Tables to keep in memory after the layer")
    max_workers: StrictInt | None = Field(default=None, ge=1, description="Transformations that may run at once")
    default_engine: str | None = Field(default=None, description="The engine of the layer's transformations")
    retry: RetryConfig | None = Field(default=None, description="When its transformations are tried again")
    timeout: float | None = Field(default=None, gt=0, description="Seconds that a transformation may take")


class Warehouse(BaseModel):
    """Where tables are kept, so that ``silver.sales`` means the same thing on every engine.

    Args:
        path: The folder, relative to the project's root.
        format: How a table is stored, such as ``"parquet"`` or ``"delta"``.
        catalog: The catalog of an engine that has catalogs, such as Spark; tables are kept there, and not in a folder.

    Example:
        >>> Warehouse().path
        'data'
    """

    model_config = _CONFIG

    path: str = Field(default="data", description="The folder of the tables, relative to the project's root")
    format: str = Field(default="parquet", description="How a table is stored")
    catalog: str | None = Field(default=None, min_length=1, description="The catalog that keeps the tables")

    @model_validator(mode="after")
    def _is_folder_or_catalog(self) -> Self:
        if self.catalog is not None and self.model_fields_set & {"path", "format"}:
            raise ValueError("tables are kept in a folder (path, format) or in a catalog; leave out one of the two")
        return self


class PluginChoices(BaseModel):
    """Which plugins a project uses, and what it tells them.

    Args:
        disable: Plugins, by entry point or distribution, that are not loaded.
        only: The only plugins that are loaded; None means all.
        prefer: Which plugin is meant where several provide one name: ``{"engine pandas": "odibi-engine-pandas"}``.
        strict: Whether a broken plugin stops everything; None leaves it to ``ODIBI_PLUGINS_STRICT``.
        allow: The only plugins that the project allows: a distribution, or an entry point that only one of them has;
            None allows all.
        lock: Whether plugins that are not those of ``odibi.lock`` are refused; None means no.
        settings: A mapping per plugin, for its ``odibi_configure``.
    """

    model_config = _CONFIG

    disable: list[str] = Field(default=[], description="Plugins that are not loaded")
    only: list[str] | None = Field(default=None, description="The only plugins that are loaded")
    prefer: dict[str, str] = Field(default={}, description="Which plugin is meant where several provide one name")
    strict: StrictBool | None = Field(default=None, description="Whether a broken plugin stops everything")
    allow: list[str] | None = Field(default=None, description="The only plugins that the project allows")
    lock: StrictBool | None = Field(default=None, description="Whether plugins must be those of odibi.lock")
    settings: dict[str, dict[str, Any]] = Field(default={}, repr=False, description="A mapping per plugin")


class ProjectManifest(BaseModel):
    """What a project says about itself.

    Only the name is required. The other keys have the predecessor's defaults, except that ``description`` may be left
    out. The model checks types and keys when it is built and when it is changed; what keys say about each other is
    `validate_manifest`'s to check.

    Args:
        project_name: The project's name, as people write it.
        project_type: One of the five types.
        description: What the project does.
        version: The project's own version.
        layer_order: The layers, in the order in which they run.
        layers: More about some of the layers, by name.
        environments: The environments that exist.
        default_env: The environment of a run that names none.
        entity_labels: What ``entity_1`` to ``entity_3`` are called here.
        transformation_modules: Modules to import before a plan is made.
        cache_plan: Tables to keep in memory after a layer, by layer.
        owner: Who answers for the project.
        tags: Words to find it by.
        metadata: Anything else.
        default_engine: The engine where neither row, call nor layer names one.
        warehouse: Where tables are kept.
        connections: Places outside the project, by name: a ``type`` and its options.
        engines: Options of engines, by name.
        log_sinks: Where the run log is delivered: a ``type`` and its options each.
        plugins: Which plugins are used.
        config_store: Where rows come from if not from files: a ``type`` and its options.
        retry: What transformations are tried again after, and when.
        timeout: Seconds that each transformation may take before it saves.
        hand_over: How much of a frame may pass from one engine to another.

    Example:
        >>> manifest = ProjectManifest(project_name="Energy", layer_order=["Bronze", "Silver"])
        >>> manifest.default_env, manifest.warehouse.format
        ('qat', 'parquet')
        >>> ProjectManifest.from_dict(manifest.to_dict()) == manifest
        True
    """

    model_config = _CONFIG

    project_name: str = Field(description="The project's name, as people write it")
    project_type: ProjectType = Field(default=ProjectType.CUSTOM, description="What kind of project it is")
    description: str = Field(default="", description="What the project does")
    version: str = Field(default="1.0.0", description="The project's own version")
    layer_order: list[str] = Field(default=["Bronze", "Silver_1", "Gold_1"], description="The layers, in their order")
    layers: dict[str, LayerConfig] = Field(default={}, description="More about some of the layers, by name")
    environments: list[str] = Field(default=["qat", "prod"], description="The environments that exist")
    default_env: str = Field(default="qat", description="The environment of a run that names none")
    entity_labels: dict[str, str] = Field(
        default={"entity_1": "plant", "entity_2": "asset", "entity_3": "equipment"},
        description="What entity_1 to entity_3 are called here",
    )
    transformation_modules: list[str] = Field(default=[], description="Modules to import before a plan is made")
    cache_plan: dict[str, list[str]] = Field(default={}, description="Tables to cache after a layer, by layer")
    owner: str | None = Field(default=None, description="Who answers for the project")
    tags: list[str] = Field(default=[], description="Words to find the project by")
    metadata: dict[str, Any] = Field(default={}, description="Anything else")
    default_engine: str | None = Field(default=None, description="The engine where nothing else names one")
    warehouse: Warehouse = Field(default=Warehouse(), description="Where tables are kept")
    connections: dict[str, dict[str, Any]] = Field(
        default={}, repr=False, description="Places outside the project, by name: a type and its options"
    )
    engines: dict[str, dict[str, Any]] = Field(default={}, repr=False, description="Options of engines, by name")
    log_sinks: list[dict[str, Any]] = Field(
        default=[], repr=False, description="Where the run log is delivered: a type and its options each"
    )
    plugins: PluginChoices = Field(default=PluginChoices(), description="Which plugins are used")
    config_store: dict[str, Any] | None = Field(
        default=None, repr=False, description="Where rows come from if not from files: a type and its options"
    )
    retry: RetryConfig | None = Field(default=None, description="When transformations are tried again")
    timeout: float | None = Field(default=None, gt=0, description="Seconds that a transformation may take")
    hand_over: HandOverConfig = Field(default=HandOverConfig(), description="How much may pass between engines")

    @field_validator("layers", mode="before")
    @classmethod
    def _name_layers(cls, layers: object) -> object:
        """Let the key be the name of a layer that gives none."""
        if not isinstance(layers, Mapping):
            return layers
        return {
            key: {"name": key, **(layer or {})} if layer is None or isinstance(layer, Mapping) else layer
            for key, layer in layers.items()
        }

    @model_serializer(mode="wrap")
    def _leave_out_unused_additions(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write later keys only if they are used: the predecessor refuses keys that it does not know."""
        data: dict[str, Any] = handler(self)
        fields = type(self).model_fields
        for key in _ADDITIONS:
            if getattr(self, key) == fields[key].get_default(call_default_factory=True):
                del data[key]
        for layer in data.get("layers", {}).values():
            for key in _LAYER_ADDITIONS:
                if layer[key] is None:
                    del layer[key]
        return data

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain data, as it is written to JSON."""
        return self.model_dump(mode="json")

    def to_json(self, path: str | Path | None = None, indent: int | None = 2) -> str:
        """Return the manifest as JSON text, and write it if a path is given.

        Args:
            path: A file to write, in UTF-8; its folder is created.
            indent: Blanks per level; None for one line.
        """
        text = json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)
        if path is not None:
            target = Path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text + "\n", encoding="utf-8", newline="\n")
        return text

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build a manifest from plain data, which is not changed.

        Args:
            data: The keys of a manifest.

        Raises:
            ValidationFailed: Something is wrong; all of it is in ``problems``.
        """
        return cls._from_document(Document(file="manifest", data=data))

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a manifest from JSON, YAML or TOML, as its suffix says.

        Args:
            path: The file.

        Raises:
            ValidationFailed: Something is wrong; all of it, with lines, is in ``problems``.
        """
        document, problems = read_document(Path(path))
        if document is None or problems:
            raise ValidationFailed(problems, what=str(path))
        return cls._from_document(document)

    from_json = from_file

    @classmethod
    def create_template(cls, project_name: str, project_type: ProjectType | str = ProjectType.CUSTOM) -> Self:
        """Return the manifest that a new project of a type begins with.

        Args:
            project_name: The project's name.
            project_type: One of the five types, or its value.

        Raises:
            ConfigError: There is no such type.

        Example:
            >>> ProjectManifest.create_template("Plant 7", "manufacturing").entity_labels["entity_1"]
            'plant'
        """
        return cls.model_validate(template(project_name, project_type=project_type_of(project_type)))

    @classmethod
    def _from_document(cls, document: Document) -> Self:
        try:
            return cls.model_validate(manifest_data(document))
        except ValidationError as error:
            raise ValidationFailed(manifest_problems(error, document=document), what=document.file) from None


_ADDITIONS = (
    "default_engine",
    "warehouse",
    "connections",
    "engines",
    "log_sinks",
    "plugins",
    "config_store",
    "retry",
    "timeout",
    "hand_over",
)
_LAYER_ADDITIONS = ("default_engine", "retry", "timeout")


def manifest_data(document: Document) -> dict[str, Any]:
    """Return a copy of a manifest's keys, without ``$schema``, which is for editors.

    Args:
        document: The manifest's document.

    Raises:
        ValidationFailed: It is no mapping.
    """
    if not isinstance(document.data, Mapping):
        problem = document.problem(
            f"A manifest is a mapping of keys, but this is {kind_of(document.data)}.",
            suggestion="The smallest manifest is: project_name: My Project",
        )
        raise ValidationFailed([problem], what=document.file)
    return {key: copy.deepcopy(value) for key, value in document.data.items() if key != "$schema"}


def manifest_problems(error: ValidationError, *, document: Document) -> list[Problem]:
    """Return what `ProjectManifest` found wrong, with lines and suggestions.

    Args:
        error: What it raised.
        document: The manifest's document.
    """
    return problems_of(error, document=document, model=ProjectManifest, meant=_MEANT, private_keys=PRIVATE_KEYS)
