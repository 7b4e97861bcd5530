"""From one row to a draft of its place in the plan: engine, function, datasets, readers and savers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from odibi_core.errors import ConfigError, OdibiError, Problem
from odibi_core.planning.attempts import AttemptRules, attempt_rules
from odibi_core.planning.datasets import DatasetResolver, Declaration, Role, binding_names
from odibi_core.planning.engines import choose_engine
from odibi_core.planning.options import check_options
from odibi_core.planning.plan import PlannedInput, PlannedOutput
from odibi_core.plugin import Dataset, ReaderSpec, SaverSpec

if TYPE_CHECKING:
    from odibi_core.functions import ResolvedFunction
    from odibi_core.loading import PluginManager
    from odibi_core.project import Project, TransformationRow

__all__ = ["Draft", "Drafter"]

S = TypeVar("S", ReaderSpec, SaverSpec)


@dataclass(slots=True, kw_only=True)
class Draft:
    """A row on its way to becoming a `PlannedTransformation`."""

    row: TransformationRow
    layer: str
    engine: str
    engine_why: str
    function: ResolvedFunction
    inputs: tuple[PlannedInput, ...]
    outputs: tuple[PlannedOutput, ...]
    rules: AttemptRules

    @property
    def transformation_id(self) -> str:
        """The row's id."""
        return self.row.transformation_id

    @property
    def tags(self) -> tuple[str, ...]:
        """The row's tags."""
        return self.row.tags

    def input_at(self, location: str) -> str:
        """Return the name of the input that is read from a location."""
        return next(item.dataset.name for item in self.inputs if item.dataset.location == location)


@dataclass(slots=True)
class Drafter:
    """Turns rows into drafts, one at a time, and notes every problem on the way.

    Args:
        project: The project.
        manager: The installed plugins.
        argument_engine: What the caller passed as ``engine``.
        run_engine: The engine of the run as a whole, and why.
        resolver: What turns declarations into datasets.
        problems: What is wrong, so far.
    """

    project: Project
    manager: PluginManager
    argument_engine: object
    run_engine: tuple[str, str]
    resolver: DatasetResolver
    problems: list[Problem] = field(default_factory=list)
    _functions: dict[tuple[str, str, str], ResolvedFunction | None] = field(default_factory=dict)
    _layer_rules: dict[str, AttemptRules] = field(default_factory=dict)
    _specs: dict[tuple[str, str, str], ReaderSpec | SaverSpec | str] = field(default_factory=dict)

    def problem(self, message: str, row: TransformationRow, *, suggestion: str | None = None) -> None:
        """Note what is wrong with a row."""
        named = f"transformation {row.transformation_id!r}: {message}"
        self.problems.append(Problem(message=named, file=row.file, line=row.line, suggestion=suggestion))

    def draft(self, row: TransformationRow, layer: str) -> Draft | None:
        """Decide everything about a row that does not depend on other rows; None if something is wrong."""
        engine = self._engine(row, layer)
        if engine is None:
            return None
        if row.invalid is not None:
            return self._invalid(row, layer, engine, why=row.invalid)
        function = self._function(row, engine[0])
        is_managed = function is not None and str(function.signature.style) == "managed"
        inputs = self._inputs(row, engine[0], is_managed=is_managed)
        outputs = self._outputs(row, engine[0], is_managed=is_managed)
        rules = self._rules(row, layer)
        if function is None or inputs is None or outputs is None or rules is None:
            return None
        if is_managed and not self._frames_fit(row, function, inputs):
            return None
        return Draft(
            row=row,
            layer=layer,
            engine=engine[0],
            engine_why=engine[1],
            function=function,
            inputs=inputs,
            outputs=outputs,
            rules=rules,
        )

    def _invalid(self, row: TransformationRow, layer: str, engine: tuple[str, str], *, why: str) -> Draft | None:
        """Return the draft of a row that fails when its turn comes: what reads its outputs waits for it in vain."""
        outputs, rules = self._outputs(row, engine[0], is_managed=False), self._rules(row, layer)
        if outputs is None or rules is None:
            return None
        return Draft(
            row=row,
            layer=layer,
            engine=engine[0],
            engine_why=engine[1],
            function=_refusing(row, why=why),
            inputs=(),
            outputs=outputs,
            rules=rules,
        )

    def _rules(self, row: TransformationRow, layer: str) -> AttemptRules | None:
        own = {key: row.constants[key] for key in ("retry", "timeout") if key in row.constants}
        if not own and layer in self._layer_rules:
            return self._layer_rules[layer]
        try:
            rules = attempt_rules(constants=own, layer=layer, manifest=self.project.manifest)
        except OdibiError as error:
            self.problem(str(error), row)
            return None
        if not own:
            self._layer_rules[layer] = rules
        return rules

    def _engine(self, row: TransformationRow, layer: str) -> tuple[str, str] | None:
        config = self.project.manifest.layers.get(layer)
        try:
            return choose_engine(
                constants=row.constants,
                argument=self.argument_engine,
                layer_engine=config.default_engine if config else None,
                layer=layer,
                run_engine=self.run_engine,
                manager=self.manager,
            )
        except OdibiError as error:
            self.problem(str(error), row)
            return None

    def _function(self, row: TransformationRow, engine: str) -> ResolvedFunction | None:
        from odibi_core.functions import resolve_function

        key = (row.module, row.function, engine)
        if key not in self._functions:
            try:
                self._functions[key] = resolve_function(
                    row.module, row.function, engine, root=self.project.root, installed=self.manager.engines.names()
                )
            except OdibiError as error:
                self._functions[key] = None
                self.problem(str(error), row)
        elif self._functions[key] is None:
            self.problem(f"{row.module}.{row.function} cannot be used, as said above", row)
        return self._functions[key]

    def _inputs(self, row: TransformationRow, engine: str, *, is_managed: bool) -> tuple[PlannedInput, ...] | None:
        look_up = partial(self.manager.reader_for, engine) if is_managed else None
        found = self._with_specs(row, row.inputs, role="input", engine=engine, look_up=look_up)
        return None if found is None else tuple(PlannedInput(*one) for one in found)

    def _outputs(self, row: TransformationRow, engine: str, *, is_managed: bool) -> tuple[PlannedOutput, ...] | None:
        look_up = partial(self.manager.saver_for, engine) if is_managed else None
        found = self._with_specs(row, row.outputs, role="output", engine=engine, look_up=look_up)
        return None if found is None else tuple(PlannedOutput(*one) for one in found)

    def _with_specs(
        self,
        row: TransformationRow,
        declarations: Sequence[Declaration],
        *,
        role: Role,
        engine: str,
        look_up: Callable[[str], S] | None,
    ) -> list[tuple[str, Dataset, S | None]] | None:
        """Return binding name, dataset and spec of each declaration; a v2-style function needs no spec."""
        resolved = self._datasets(row, declarations, role=role, is_managed=look_up is not None)
        if resolved is None:
            return None
        found: list[tuple[str, Dataset, S | None]] = []
        for name, (_, dataset) in zip(binding_names(resolved), resolved, strict=True):
            spec = None if look_up is None else self._spec(row, dataset, engine, role=role, look_up=look_up)
            if spec is None and look_up is not None:
                return None
            checked = self._checked(row, dataset, spec)
            if checked is None:
                return None
            found.append((name, checked, spec))
        return found

    def _datasets(
        self, row: TransformationRow, declarations: Sequence[Declaration], *, role: Role, is_managed: bool
    ) -> list[tuple[Declaration, Dataset]] | None:
        resolved: list[tuple[Declaration, Dataset]] = []
        fine = True
        for declaration in declarations:
            try:
                resolved.append((declaration, self.resolver.resolve(declaration, role=role)))
            except OdibiError as error:
                # A v2-style function may understand what the resolver does not: it does its own reading and saving.
                if is_managed or isinstance(declaration, str):
                    fine = False
                    self.problem(str(error), row)
        return resolved if fine else None

    def _spec(
        self, row: TransformationRow, dataset: Dataset, engine: str, *, role: Role, look_up: Callable[[str], S]
    ) -> S | None:
        key = (role, engine, dataset.format)
        if key not in self._specs:
            try:
                self._specs[key] = look_up(dataset.format)
            except OdibiError as error:
                self._specs[key] = str(error)
        found: Any = self._specs[key]
        if isinstance(found, str):
            self.problem(f"{role} {dataset.name!r}: {found}", row)
            return None
        return cast("S", found)

    def _checked(self, row: TransformationRow, dataset: Dataset, spec: ReaderSpec | SaverSpec | None) -> Dataset | None:
        if spec is None:
            return dataset
        try:
            return check_options(dataset, spec=spec, manager=self.manager)
        except ConfigError as error:
            self.problem(str(error), row)
            return None

    def _frames_fit(self, row: TransformationRow, function: ResolvedFunction, inputs: tuple[PlannedInput, ...]) -> bool:
        from odibi_core.functions import check_call

        try:
            check_call(function, inputs=[item.binding for item in inputs], constants=row.constants)
        except OdibiError as error:
            self.problem(str(error), row)
            return False
        return True


def _refusing(row: TransformationRow, *, why: str) -> ResolvedFunction:
    from odibi_core.functions import ResolvedFunction, read_signature

    def refuse() -> NoReturn:
        raise ConfigError(f"{why} ({row.file})" if row.file else why)

    return ResolvedFunction(
        function=refuse,
        module=row.module,
        name=row.function,
        engine="",
        signature=read_signature(refuse),
        why=f"it is not called: {why}",
        file=None,
        line=None,
    )
