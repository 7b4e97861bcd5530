"""One JSON Schema for a project's files: the kernel's models and the options models of what is installed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from odibi_core.errors import OdibiError
from odibi_core.plugin import SAVE_MODES
from odibi_core.project.ingestion import INGESTION_COLUMNS
from odibi_core.project.manifest import ProjectManifest
from odibi_core.project.plugin_options import FILES_STORE
from odibi_core.project.transformations import TRANSFORMATION_COLUMNS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from odibi_core.loading import PluginManager

__all__ = ["project_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
_JSON_TEXT: Mapping[str, Any] = {"type": "string", "description": "The same as JSON text"}
_WORDS: Mapping[str, Any] = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": ["string", "null"]}]}
_OBJECT: Mapping[str, Any] = {"anyOf": [{"type": ["object", "null"]}, _JSON_TEXT]}
_FLAG: Mapping[str, Any] = {
    "anyOf": [
        {"type": ["boolean", "null"]},
        {"enum": [0, 1]},
        {"type": "string", "pattern": "^ *([01]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo])? *$"},
    ]
}
_STEP: Mapping[str, Any] = {"anyOf": [{"type": ["integer", "null"], "minimum": 0}, {"type": "string"}]}

_SECRET: Mapping[str, Any] = {"type": "string", "pattern": r"\$\{[^{}]+:[^{}]+\}"}

_KINDS_OF_CELL: Mapping[str, Mapping[str, Any]] = {
    "step": _STEP,
    "enabled": _FLAG,
    "is_autoloader": _FLAG,
    "depends_on": _WORDS,
    "tags": _WORDS,
    **dict.fromkeys(
        ("constants", "source_options", "options", "target_options", "connection_config", "merge_config"), _OBJECT
    ),
    "schema_definition": _OBJECT,
    "created_at": {},
    "updated_at": {},
}

_REQUIRED = ("transformation_id", "layer", "module", "function")


def project_schema(manager: PluginManager) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) for the manifest and the files of rows.

    The whole accepts any of the three; an editor that knows which file it has can use ``#/$defs/Manifest``,
    ``#/$defs/TransformationRows`` or ``#/$defs/IngestionRows``.

    Args:
        manager: The installed plugins, whose options are described.

    Example:
        >>> from odibi_core.loading import PluginManager
        >>> schema = project_schema(PluginManager())
        >>> sorted(schema["$defs"])[:2]
        ['ConfigStore', 'Connection']
    """
    return _Composer(manager).compose()


class _Composer:
    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager
        self._defs: dict[str, Any] = {}

    def compose(self) -> dict[str, Any]:
        manager = self._manager
        self._add_model(ProjectManifest, name="Manifest", prefix="")
        self._defs["Connection"] = self._typed("connection", manager.connections.values())
        self._defs["LogSink"] = self._typed("log sink", manager.log_sinks.values())
        store = self._typed("config store", manager.config_stores.values())
        store["properties"]["type"]["anyOf"][0]["enum"].append(FILES_STORE)
        self._defs["ConfigStore"] = store
        self._defs["Dataset"] = self._dataset()
        self._refine_manifest()
        self._add_rows("Transformation", columns=TRANSFORMATION_COLUMNS, key="transformations", required=_REQUIRED)
        self._add_rows("Ingestion", columns=INGESTION_COLUMNS, key="ingestion", required=())
        return {
            "$schema": _DIALECT,
            "title": "Odibi project",
            "description": "A manifest, a file of transformation rows or a file of ingestion rows",
            "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("Manifest", "TransformationRows", "IngestionRows")],
            "$defs": dict(sorted(self._defs.items())),
        }

    def _add_model(self, model: type[BaseModel], *, name: str, prefix: str) -> None:
        schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
        for inner, definition in schema.pop("$defs", {}).items():
            self._defs[prefix + inner] = definition
        self._defs[name] = schema

    def _options(self, spec: Any, *, kind: str) -> dict[str, Any] | None:
        """Return a reference to the schema of a spec's options; None if it has no model."""
        if spec.options_model is None:
            return None
        name = "options." + re.sub(r"[^A-Za-z0-9.]+", "-", f"{kind}.{spec.name}")
        if name not in self._defs:
            try:
                model = self._manager.load_options_model(spec)
            except OdibiError as error:
                model = None
                self._defs[name] = {"type": "object", "description": f"The options are not known: {error}"}
            if model is not None:
                self._add_model(model, name=name, prefix=f"{name}.")
        return {"$ref": f"#/$defs/{name}"}

    def _typed(self, kind: str, specs: Iterable[Any]) -> dict[str, Any]:
        """Return the schema of a mapping whose ``type`` says which plugin's options the rest are."""
        specs = list(specs)
        rules = []
        for spec in specs:
            options = self._options(spec, kind=kind)
            if options is not None:
                is_type = {"properties": {"type": {"const": spec.name}}}
                rules.append({"if": is_type, "then": self._with_type(options["$ref"])})
        # A type that is not installed here may be elsewhere: known ones are offered, others are not refused.
        names: dict[str, Any] = {"anyOf": [{"enum": [spec.name for spec in specs]}, {"type": "string"}]}
        schema: dict[str, Any] = {"type": "object", "required": ["type"], "properties": {"type": names}}
        return schema | ({"allOf": rules} if rules else {})

    def _with_type(self, reference: str) -> dict[str, Any]:
        """Return a model's schema that also allows ``type``, and a reference to a secret in place of any value."""
        schema = self._with_secrets(reference)
        return {**schema, "properties": {"type": True, **schema["properties"]}}

    def _with_secrets(self, reference: str) -> dict[str, Any]:
        schema = dict(self._defs[reference.removeprefix("#/$defs/")])
        properties = {key: {"anyOf": [value, _SECRET]} for key, value in schema.get("properties", {}).items()}
        return {**schema, "properties": properties}

    def _dataset(self) -> dict[str, Any]:
        by_format: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for kind, registry in (("reader", self._manager.readers), ("saver", self._manager.savers)):
            for spec in registry.values():
                reference = self._options(spec, kind=kind)
                if reference is not None:
                    by_format[spec.format].append(reference)
        rules = [
            {
                "if": {"properties": {"format": {"const": name}}, "required": ["format"]},
                "then": {"properties": {"options": {"anyOf": [*choices, {"type": "null"}]}}},
            }
            for name, choices in sorted(by_format.items())
        ]
        properties = {
            **dict.fromkeys(("table", "path", "sql", "query", "format", "connection", "name"), _TEXT),
            "type": {"enum": ["query", "table", "path", "file"]},
            "mode": {"enum": list(SAVE_MODES)},
            "options": {"type": ["object", "null"]},
            **dict.fromkeys(("partition_by", "partitionBy"), _WORDS),
        }
        mapping: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if rules:
            mapping["allOf"] = rules
        return {"anyOf": [{"type": "string"}, mapping]}

    def _refine_manifest(self) -> None:
        properties = self._defs["Manifest"]["properties"]
        properties["$schema"] = {"type": "string"}
        properties["connections"]["additionalProperties"] = {"$ref": "#/$defs/Connection"}
        properties["log_sinks"]["items"] = {"$ref": "#/$defs/LogSink"}
        properties["config_store"]["anyOf"] = [{"$ref": "#/$defs/ConfigStore"}, {"type": "null"}]
        engines = {spec.name: self._options(spec, kind="engine") for spec in self._manager.engines.values()}
        properties["engines"]["properties"] = {
            name: self._with_secrets(options["$ref"]) for name, options in engines.items() if options
        }
        # A layer's name is its key, so that it can be left out, and with it everything.
        self._defs["LayerConfig"].pop("required")
        properties["layers"]["additionalProperties"] = {"anyOf": [{"$ref": "#/$defs/LayerConfig"}, {"type": "null"}]}

    def _add_rows(self, noun: str, *, columns: Iterable[str], key: str, required: Iterable[str]) -> None:
        dataset = {"$ref": "#/$defs/Dataset"}
        datasets = {"anyOf": [dataset, {"type": "array", "items": dataset}, {"type": "null"}]}
        kinds = {**_KINDS_OF_CELL, "inputs": datasets, "outputs": datasets}
        self._defs[f"{noun}Row"] = {
            "type": "object",
            "properties": {column: kinds.get(column, _TEXT) for column in sorted(columns)},
            "required": list(required),
            "additionalProperties": False,
        }
        rows = {"type": "array", "items": {"$ref": f"#/$defs/{noun}Row"}}
        below = {"type": "object", "properties": {key: rows}, "required": [key], "additionalProperties": False}
        self._defs[f"{noun}Rows"] = {"anyOf": [rows, below]}
