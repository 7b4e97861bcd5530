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
    from odibi_core.project import Project

__all__ = ["choose_env", "choose_layers", "make_plan"]

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


def choose_layers(project: Project, target_layers: Iterable[str] | None) -> tuple[str, ...]:
    """Return the layers of a run in the manifest's order, matched without regard to case.

    Raises:
        SelectionError: The project has no such layer.
    """
    order = tuple(project.manifest.layer_order)
    if target_layers is None:
        return order
    wanted = [target_layers] if isinstance(target_layers, str) else list(target_layers)
    by_folded = {layer.casefold(): layer for layer in order}
    unknown = [layer for layer in wanted if layer.strip().casefold() not in by_folded]
    if unknown:
        raise SelectionError(
            f"Layer {unknown[0]!r} is not one of project {project.name!r}. There are: {', '.join(order)}. "
            f"{did_you_mean(unknown[0], order)}".rstrip()
        )
    chosen = {by_folded[layer.strip().casefold()] for layer in wanted}
    return tuple(layer for layer in order if layer in chosen)


def make_plan(
    project: Project,
    *,
    manager: PluginManager,
    env: str | None = None,
    engine: object = None,
    target_layers: Iterable[str] | None = None,
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
    layers = choose_layers(project, target_layers)
    run_engine = choose_run_engine(argument=engine, manifest=project.manifest, manager=manager)
    drafter = Drafter(project, manager, engine, run_engine, DatasetResolver(project, manager))
    drafter.problems.extend(known_problems)
    order = {layer: position for position, layer in enumerate(project.manifest.layer_order)}
    with _functions_at_hand(project, manager, drafter.problems):
        rows = project.rows_for(env)
        drafts = [
            draft for row in rows if row.enabled and row.layer in order and (draft := drafter.draft(row, row.layer))
        ]
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
        warnings=tuple(_missing_sources(drafts, inside)),
    )


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
