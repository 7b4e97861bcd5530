"""From a checked project to a plan, or to everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from odibi_core.errors import Problem, SelectionError, ValidationFailed, did_you_mean
from odibi_core.planning.contradictions import check_depends_on, check_order, check_outputs
from odibi_core.planning.datasets import DatasetResolver
from odibi_core.planning.drafts import Draft, Drafter
from odibi_core.planning.engines import choose_run_engine
from odibi_core.planning.graph import Edge, Node, connect, order_within_steps
from odibi_core.planning.plan import Plan, PlannedTransformation
from odibi_core.planning.selectors import select

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.project import Project, ProjectManifest, TransformationRow

__all__ = ["choose_env", "choose_layer_order", "choose_layers", "make_plan"]

_FALLBACK_ENV: Final = "qat"


def choose_env(project: Project, env: str | None) -> str:
    """Return the environment of a run: the argument, else the manifest's ``default_env``.

    Raises:
        SelectionError: The project has no such environment.
    """
    wanted = env or project.manifest.default_env or _FALLBACK_ENV
    for name in project.manifest.environments:
        if name.casefold() == wanted.strip().casefold():
            return name
    known = project.manifest.environments
    raise SelectionError(
        f"Environment {wanted!r} is not one of project {project.name!r}. "
        f"There are: {', '.join(known)}. {did_you_mean(wanted, known)}".rstrip()
    )


def choose_layer_order(project: Project, layer_order: Iterable[str] | None) -> tuple[str, ...]:
    """Return the order of layers of a run: the argument, of which no layer may be unknown, else the manifest's.

    Layers that an argument leaves out are no part of the run.

    Raises:
        SelectionError: The argument is empty, names a layer that the project does not have or names one twice, or puts
            a layer before one on which the manifest says that it depends.
    """
    if layer_order is None:
        return tuple(project.manifest.layer_order)
    order = _known_layers(project, layer_order, known=project.manifest.layer_order)
    if not order:
        raise SelectionError("layer_order is empty. Leave it out to run the layers in the manifest's order.")
    for position, layer in enumerate(order):
        if layer in order[:position]:
            raise SelectionError(f"layer_order has the layer {layer!r} twice. Name each layer once.")
        config = project.manifest.layers.get(layer)
        for before in config.depends_on if config else ():
            if before in order[position:]:
                raise SelectionError(
                    f"layer_order puts {layer!r} before {before!r}, but the manifest says that {layer!r} depends on it."
                )
    return order


def choose_layers(
    project: Project, target_layers: Iterable[str] | None, *, layer_order: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the layers of a run in their order, matched without regard to case.

    Args:
        project: The project.
        target_layers: The layers that were asked for; None means all.
        layer_order: The order of the run; None means the manifest's.

    Raises:
        SelectionError: There is no such layer.
    """
    order = tuple(project.manifest.layer_order if layer_order is None else layer_order)
    if target_layers is None:
        return order
    chosen = set(_known_layers(project, target_layers, known=order))
    return tuple(layer for layer in order if layer in chosen)


def _known_layers(project: Project, wanted: Iterable[str], *, known: Sequence[str]) -> tuple[str, ...]:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    by_folded = {layer.casefold(): layer for layer in known}
    for name in names:
        if name.strip().casefold() not in by_folded:
            raise SelectionError(
                f"Layer {name!r} is not one of project {project.name!r}. There are: {', '.join(known)}. "
                f"{did_you_mean(name, known)}".rstrip()
            )
    return tuple(by_folded[name.strip().casefold()] for name in names)


def make_plan(
    project: Project,
    *,
    manager: PluginManager,
    env: str | None = None,
    engine: object = None,
    target_layers: Iterable[str] | None = None,
    layer_order: Iterable[str] | None = None,
    selected: Iterable[str] | None = None,
    known_problems: Iterable[Problem] = (),
) -> Plan:
    """Decide what will run, in which order, on what, and why. Nothing is read, written or started.

    The project's function modules are imported, since nothing else can say whether a function exists and what it
    takes. No engine is.

    Args:
        project: The project.
        manager: The installed plugins.
        env: The environment; None means the manifest's ``default_env``.
        engine: The engine for rows that do not name one; None leaves it to layers, manifest and installation.
        target_layers: The layers to run; None means all.
        layer_order: The layers that there are in this run, in their order; None means the manifest's.
        selected: Selector expressions; None means everything.
        known_problems: What reading the project has found already, to be reported with the rest.

    Returns:
        The plan.

    Raises:
        ValidationFailed: The project has problems; it carries all of them.
        SelectionError: An unknown environment, layer or transformation was asked for.
        EngineNotFoundError: The engine of the run is not installed.
    """
    env = choose_env(project, env)
    order_of_layers = choose_layer_order(project, layer_order)
    layers = choose_layers(project, target_layers, layer_order=order_of_layers)
    order = {layer: position for position, layer in enumerate(order_of_layers)}
    rows = project.rows_for(env)
    wanted = [row for row in rows if row.enabled and row.layer in order]
    own = _engines_named_by(wanted, project.manifest)
    run_engine = choose_run_engine(argument=engine, manifest=project.manifest, manager=manager, own=own)
    drafter = Drafter(project, manager, engine, run_engine, DatasetResolver(project, manager))
    drafter.problems.extend(known_problems)
    with _functions_at_hand(project, manager, drafter.problems):
        drafts = [draft for row in wanted if (draft := drafter.draft(row, row.layer))]
    drafts, edges = _ordered(drafts, order)
    check_depends_on(rows, drafter)
    check_outputs(drafts, drafter)
    check_order(drafts, edges, order, drafter)
    if drafter.problems:
        raise ValidationFailed(_without_repeats(drafter.problems), what=f"project {project.name!r}")
    inside = {position for position, draft in enumerate(drafts) if draft.layer in layers}
    if selected is not None:
        inside &= select(drafts, edges=edges, expressions=selected)
    return Plan(
        project=project,
        env=env,
        engine=run_engine[0],
        engine_why=run_engine[1],
        layers=layers if selected is None else tuple(x for x in layers if any(drafts[i].layer == x for i in inside)),
        transformations=_planned(drafts, edges, inside),
        warnings=(
            *_stale_code(project),
            *_invalid_rows(drafts, inside),
            *_misspelt_constants(drafts, inside),
            *_missing_sources(drafts, inside),
        ),
    )


def _engines_named_by(rows: Iterable[TransformationRow], manifest: ProjectManifest) -> list[object]:
    by_layer = {name: config.default_engine for name, config in manifest.layers.items()}
    return [row.constants.get("engine") or by_layer.get(row.layer) for row in rows]


@contextmanager
def _functions_at_hand(project: Project, manager: PluginManager, problems: list[Problem]) -> Iterator[None]:
    """Make the project importable and import the modules that register functions."""
    from odibi_core.loading import import_project_module, project_imports

    with project_imports(project.root):
        wanted = [(name, "transformation_modules of the manifest") for name in project.manifest.transformation_modules]
        wanted += [(spec.name, f"plugin {manager.owner_of(spec).name}") for spec in manager.functions.values()]
        for name, where in wanted:
            try:
                import_project_module(name, project.root)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may raise anything; it is reported
                message = f"module {name!r} ({where}) cannot be imported: {type(error).__name__}: {error}"
                problems.append(Problem(message=message, file=project.manifest_path.name))
        yield


def _ordered(drafts: list[Draft], order: Mapping[str, int]) -> tuple[list[Draft], list[Edge]]:
    def nodes(those: Sequence[Draft]) -> list[Node]:
        return [
            Node(
                id=draft.row.transformation_id,
                layer=order[draft.layer],
                step=draft.row.step,
                reads=tuple(item.dataset.location for item in draft.inputs if item.dataset.kind != "query"),
                writes=tuple(item.dataset.location for item in draft.outputs),
                depends_on=draft.row.depends_on,
            )
            for draft in those
        ]

    ordered = [drafts[position] for position in order_within_steps(nodes(drafts))]
    return ordered, connect(nodes(ordered))


def _planned(drafts: Sequence[Draft], edges: Sequence[Edge], inside: set[int]) -> tuple[PlannedTransformation, ...]:
    kept = [position for position in range(len(drafts)) if position in inside]
    new = {position: index for index, position in enumerate(kept)}
    waits: dict[int, list[Edge]] = {position: [] for position in kept}
    for edge in edges:
        if edge.after in waits and edge.before in new:
            waits[edge.after].append(edge)
    return tuple(
        PlannedTransformation(
            index=new[position],
            row=draft.row,
            layer=draft.layer,
            engine=draft.engine,
            engine_why=draft.engine_why,
            function=draft.function,
            inputs=draft.inputs,
            outputs=draft.outputs,
            rules=draft.rules,
            dependencies=tuple(new[edge.before] for edge in waits[position]),
            dependencies_why=tuple(
                f"reads {draft.input_at(edge.location)}" if edge.location else "depends_on" for edge in waits[position]
            ),
        )
        for position in kept
        for draft in (drafts[position],)
    )


def _stale_code(project: Project) -> Iterator[str]:
    from odibi_core.loading import edited_files

    for file in edited_files(project.root):
        yield (
            f"{file} was edited or removed after this process imported it, and is used as it was imported; start the "
            "process, or the notebook's kernel, anew"
        )


def _invalid_rows(drafts: Sequence[Draft], inside: set[int]) -> Iterator[str]:
    for position in sorted(inside):
        if drafts[position].row.invalid is not None:
            yield f"{drafts[position].transformation_id} will fail: {drafts[position].row.invalid}"


def _misspelt_constants(drafts: Sequence[Draft], inside: set[int]) -> Iterator[str]:
    from odibi_core.functions import misspelt_constants

    for position in sorted(inside):
        draft = drafts[position]
        for said in misspelt_constants(draft.function.signature, draft.row.constants):
            yield f"{draft.transformation_id}: {said}"


def _missing_sources(drafts: Sequence[Draft], inside: set[int]) -> Iterator[str]:
    written = {item.dataset.location for draft in drafts for item in draft.outputs}
    for position in sorted(inside):
        for item in drafts[position].inputs:
            dataset = item.dataset
            is_named = (
                dataset.kind != "query" and "://" not in dataset.location and not set("*?[") & set(dataset.location)
            )
            if item.reader is None or not is_named or dataset.location in written:
                continue
            if not Path(dataset.location).exists():
                yield f"{drafts[position].transformation_id}: input {dataset.name!r} is not there yet"


def _without_repeats(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
