"""What an engine may have beside the required methods: options, words for errors, a session, a cache, jobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from odibi_core.errors import ConfigError
from odibi_core.loading import PluginManager
from odibi_core.plugin import (
    CacheSupport,
    Dataset,
    EngineConfig,
    EngineSpec,
    ErrorExplainer,
    ExecutionEngine,
    JobControl,
    SessionHolder,
    TransformationOutcome,
    TransformationTask,
)
from odibi_core.testing.contract import Contract, refuse
from odibi_core.testing.data.hostile import UnprintableError
from odibi_core.testing.options.unknown_options import check_unknown_option

__all__ = ["EngineExtras"]

_ERRORS: Final[Mapping[str, BaseException]] = {
    "a missing column": KeyError("dely"),
    "an error without arguments": ValueError(),
    "an error that cannot be printed": UnprintableError(),
    "an interrupt": KeyboardInterrupt(),
}


class EngineExtras(Contract):
    """The part of the engine's contract that only concerns engines which offer it."""

    def test_unknown_option_is_refused(self, manager: PluginManager, spec: EngineSpec, tmp_path: Path) -> None:
        """A misspelt option must not be a setting that silently does nothing."""
        from odibi_core.project import resolve_options

        def resolve(options: Mapping[str, Any]) -> None:
            resolve_options(options, spec=spec, manager=manager, what=f"engine {spec.name!r}", root=tmp_path)

        check_unknown_option(manager.load_options_model(spec), resolve, what=f"engine {spec.name!r}")

    @pytest.mark.parametrize("name", _ERRORS)
    def test_errors_are_explained_or_left_alone(self, name: str, execution_engine: ExecutionEngine) -> None:
        """explain_error gets whatever a function raised, with frames or without."""
        if not isinstance(execution_engine, ErrorExplainer):
            pytest.skip("the engine does not explain errors")
        for frames in ({}, {"bronze.sales": None}):
            try:
                said: object = execution_engine.explain_error(_ERRORS[name], frames)
            except Exception as error:  # noqa: BLE001 - that it raises is what is reported
                refuse(
                    f"explain_error raised {type(error).__name__} for {name}, and so hid what had gone wrong.",
                    advice="Return None for whatever it does not know.",
                )
            if not (said is None or (isinstance(said, str) and said.strip())):
                refuse(
                    f"explain_error returned {said!r} for {name}.",
                    advice="Return one or two sentences, or None to keep the error's own words.",
                )

    def test_session_is_the_one_that_was_handed_in(
        self, execution_engine: ExecutionEngine, config: EngineConfig
    ) -> None:
        """v2-style functions get it as ``spark``; one that the caller made is the caller's to stop."""
        if not isinstance(execution_engine, SessionHolder):
            pytest.skip("the engine has no session")
        if execution_engine.session is None:
            refuse(
                "The engine has a property `session`, and it is None.",
                advice="Start a session, or leave out the property.",
            )
        given, has = config.session, execution_engine.session
        if given is not None and type(has) is not type(given):
            refuse(
                f"The engine was given a {type(given).__qualname__} as session and has a {type(has).__qualname__}.",
                advice="Use EngineConfig.session where there is one, and do not stop it in close().",
            )

    @pytest.mark.parametrize("capability", ["cache"])
    def test_sheet_says_what_the_engine_offers(
        self, capability: str, spec: EngineSpec, execution_engine: ExecutionEngine
    ) -> None:
        """The planner believes the sheet, and the runner calls the methods."""
        line = spec.capabilities.get(capability)
        says, has = line is not None and line.supported, isinstance(execution_engine, CacheSupport)
        if says and not has:
            refuse(
                f"The sheet says that {capability} is supported, and the engine lacks the methods of CacheSupport.",
                advice="Write cache(dataset) and uncache(dataset), or correct the sheet.",
            )
        if has and line is None:
            refuse(
                f"The engine has the methods of CacheSupport, and its sheet has no line {capability!r}.",
                advice=f"Add capabilities={{{capability!r}: Capability(supported=True, since=...)}}.",
            )

    def test_sheet_says_since_when(self, spec: EngineSpec) -> None:
        """`odibi plugins info` shows it."""
        for word, line in spec.capabilities.items():
            if line.supported != bool(line.since):
                refuse(
                    f"The sheet's line {word!r} is supported={line.supported} with since={line.since!r}.",
                    advice="Give the version that first could, or none for what cannot be done.",
                )

    def test_uncaching_what_is_not_cached_is_no_error(self, execution_engine: ExecutionEngine, tmp_path: Path) -> None:
        """A run that is interrupted undoes what it may not have done."""
        if not isinstance(execution_engine, CacheSupport):
            pytest.skip("the engine has no cache")
        place = str(tmp_path / "nothing.parquet")
        try:
            execution_engine.uncache(Dataset(name="silver.none", kind="table", format="parquet", location=place))
        except Exception as error:  # noqa: BLE001 - that it raises is what is reported
            refuse(
                f"uncache raised {type(error).__name__} for a dataset that is not cached: {error}",
                advice="Do nothing for what is not there.",
            )

    def test_jobs_of_an_attempt_can_be_cancelled_at_any_time(self, execution_engine: ExecutionEngine) -> None:
        """Before it begins, while it runs, and when it is over."""
        if not isinstance(execution_engine, JobControl):
            pytest.skip("the engine does its work in this process")
        first, second = _task("first"), _task("second")
        try:
            with execution_engine.transformation(first):
                execution_engine.cancel(second)
            execution_engine.cancel(first)
            execution_engine.cancel(first)
            with execution_engine.transformation(_task("third")):
                pass
        except Exception as error:  # noqa: BLE001 - that it raises is what is reported
            refuse(
                f"Attempts one after the other, each cancelled, ended in {type(error).__name__}: {error}",
                advice="cancel must do nothing for an attempt that is over or has no jobs.",
            )

    def test_options_are_optional(self, manager: PluginManager, spec: EngineSpec, tmp_path: Path) -> None:
        """A new project names the engine and nothing else."""
        from odibi_core.project import resolve_options

        try:
            resolve_options({}, spec=spec, manager=manager, what=f"engine {spec.name!r}", root=tmp_path)
        except ConfigError as error:
            refuse(
                f"The engine cannot be had without options: {error}",
                advice="Give each option a default that works on one machine.",
            )


def _task(name: str) -> TransformationTask:
    return TransformationTask(
        run_id="20261122T000000.000000-1a2b3c4d",
        project="Contract",
        env="qat",
        layer="Silver",
        engine="any",
        transformation_id=name,
        module="silver.functions",
        function=name,
        attempt=1,
        constants={},
        inputs=(),
        outputs=(),
        _execute=TransformationOutcome,
    )
