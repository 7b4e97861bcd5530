"""What the keys of a manifest say about each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odibi_core.errors import did_you_mean
from odibi_core.project.names import name_fault

if TYPE_CHECKING:
    from odibi_core.project.manifest import ProjectManifest

__all__ = ["Finding", "check_manifest", "validate_manifest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a manifest whose types are right.

    Args:
        message: What is wrong, as one sentence.
        path: Where, as keys and indexes.
        suggestion: What to do about it; may be empty.
    """

    message: str
    path: tuple[str | int, ...]
    suggestion: str = ""


def validate_manifest(manifest: ProjectManifest) -> list[str]:
    """Return what is wrong with a manifest beyond its types; nothing if all is well.

    Args:
        manifest: The manifest.

    Returns:
        One message for each of: a project name that is missing or no folder name, no layers, a layer that is there
        twice, ``layers``, ``depends_on`` or ``cache_plan`` naming a layer that is not in ``layer_order``, a cycle of
        ``depends_on``, a ``layer_order`` that contradicts it, a ``default_env`` that is not in ``environments``, and
        a connection, log sink or config store without a ``type``.

    Example:
        >>> from odibi_core.project.manifest import ProjectManifest
        >>> validate_manifest(ProjectManifest(project_name="Energy"))
        []
        >>> validate_manifest(ProjectManifest(project_name="Energy", default_env="dev"))
        ["The default_env 'dev' is not one of the environments: qat, prod."]
    """
    return [f"{found.message} {found.suggestion}".strip() for found in check_manifest(manifest)]


def check_manifest(manifest: ProjectManifest) -> list[Finding]:
    """Return what `validate_manifest` does, with the place of each.

    Args:
        manifest: The manifest.
    """
    return [
        *_check_name(manifest),
        *_check_layer_order(manifest),
        *_check_environments(manifest),
        *_check_layers(manifest),
        *_check_dependencies(manifest),
        *_check_types(manifest),
    ]


def _check_name(manifest: ProjectManifest) -> Iterator[Finding]:
    if not manifest.project_name.strip():
        yield Finding(message="The project_name is missing.", path=("project_name",))
    elif fault := name_fault(manifest.project_name):
        yield Finding(
            message=f"The project_name {manifest.project_name!r} {fault}.",
            path=("project_name",),
            suggestion="Use a plain name without slashes, such as 'Energy Efficiency'.",
        )


def _check_layer_order(manifest: ProjectManifest) -> Iterator[Finding]:
    if not manifest.layer_order:
        yield Finding(
            message="The layer_order is empty.", path=("layer_order",), suggestion="Write at least one layer."
        )
    yield from _check_words(manifest.layer_order, key="layer_order", noun="layer")


def _check_environments(manifest: ProjectManifest) -> Iterator[Finding]:
    known = manifest.environments
    yield from _check_words(known, key="environments", noun="environment")
    if not known:
        yield Finding(message="There are no environments.", path=("environments",), suggestion="Write at least one.")
    elif manifest.default_env not in known:
        yield Finding(
            message=f"The default_env {manifest.default_env!r} is not one of the environments: {', '.join(known)}.",
            path=("default_env",),
            suggestion=did_you_mean(manifest.default_env, known),
        )


def _check_words(words: Sequence[str], *, key: str, noun: str) -> Iterator[Finding]:
    """Check that names are neither blank nor, whatever their case, there twice: rows are matched without case."""
    first: dict[str, str] = {}
    for index, word in enumerate(words):
        folded = word.strip().casefold()
        if not folded or word != word.strip():
            yield Finding(message=f"The {noun} {word!r} is blank or has blanks around it.", path=(key, index))
        elif folded in first:
            twice = "is there twice" if first[folded] == word else f"differs from {first[folded]!r} only by case"
            yield Finding(message=f"The {noun} {word!r} {twice} in {key}.", path=(key, index))
        first.setdefault(folded, word)


def _check_layers(manifest: ProjectManifest) -> Iterator[Finding]:
    known = manifest.layer_order
    for name, layer in manifest.layers.items():
        if name not in known:
            yield _unknown_layer(name, known=known, path=("layers", name), where="layers")
        if layer.name != name:
            message = f"The layer {name!r} calls itself {layer.name!r}."
            yield Finding(message=message, path=("layers", name, "name"), suggestion="Leave its name out.")
        for index, before in enumerate(layer.depends_on):
            if before not in known:
                path = ("layers", name, "depends_on", index)
                yield _unknown_layer(before, known=known, path=path, where=f"depends_on of {name!r}")
    for name in manifest.cache_plan:
        if name not in known:
            yield _unknown_layer(name, known=known, path=("cache_plan", name), where="cache_plan")


def _unknown_layer(name: str, *, known: Sequence[str], path: tuple[str | int, ...], where: str) -> Finding:
    return Finding(
        message=f"Unknown layer {name!r} in {where}; layer_order has {', '.join(known) or 'none'}.",
        path=path,
        suggestion=did_you_mean(name, known),
    )


def _check_dependencies(manifest: ProjectManifest) -> Iterator[Finding]:
    known = set(manifest.layer_order)
    before = {
        name: [layer for layer in config.depends_on if layer in known] for name, config in manifest.layers.items()
    }
    in_cycles: set[str] = set()
    for cycle in _cycles(before):
        in_cycles.update(cycle)
        message = f"The layers depend on each other in a circle: {' -> '.join([*cycle, cycle[0]])}."
        yield Finding(message=message, path=("layers", cycle[0], "depends_on"))
    position = {name: index for index, name in enumerate(manifest.layer_order)}
    for name, layers in before.items():
        if name not in known:
            continue
        for layer in layers:
            if position[layer] >= position[name] and not {name, layer} <= in_cycles:
                yield Finding(
                    message=f"The layer {name!r} depends on {layer!r}, which comes after it in layer_order.",
                    path=("layers", name, "depends_on"),
                    suggestion=f"Put {layer!r} before {name!r} in layer_order.",
                )


def _cycles(before: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield each cycle that a depth-first walk closes, starting from its first layer as the manifest has them."""
    done: set[str] = set()
    for root in before:
        path: list[str] = []
        waiting = [(root, iter(before.get(root, ())))] if root not in done else []
        if waiting:
            path.append(root)
        while waiting:
            node, rest = waiting[-1]
            following = next(rest, None)
            if following is None:
                waiting.pop()
                path.pop()
                done.add(node)
            elif following in path:
                yield path[path.index(following) :]
            elif following not in done:
                path.append(following)
                waiting.append((following, iter(before.get(following, ()))))


def _check_types(manifest: ProjectManifest) -> Iterator[Finding]:
    typed: list[tuple[tuple[str | int, ...], str, Mapping[str, object], str]] = [
        (("connections", name), f"The connection {name!r}", options, "local")
        for name, options in manifest.connections.items()
    ]
    typed += [
        (("log_sinks", index), f"Log sink {index + 1}", sink, "file") for index, sink in enumerate(manifest.log_sinks)
    ]
    if manifest.config_store is not None:
        typed.append((("config_store",), "The config_store", manifest.config_store, "files"))
    for path, what, options, example in typed:
        if not isinstance(options.get("type"), str) or not str(options["type"]).strip():
            near = next((key for key in options if key != "type" and did_you_mean(key, ("type",))), None)
            write = f"Write which kind it is, such as: type: {example}"
            yield Finding(
                message=f"{what} has no type.",
                path=path,
                suggestion=f"Is {near!r} meant to be 'type'? {write}" if near else write,
            )
