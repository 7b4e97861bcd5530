"""The engine that a contract is about, or whose frames it uses: built as the kernel builds it, and closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from odibi_core.loading import PluginManager
from odibi_core.plugin import EngineConfig, ExecutionEngine
from odibi_core.testing.contract import Contract

__all__ = ["EngineAccess"]


class EngineAccess(Contract):
    """Fixtures of contracts that need an engine.

    Attributes:
        engine: The engine's name.
        engine_options: The manifest's ``engines.<name>`` that it is tested with.
        wide: How many columns the wide table has; a format that is said to take 100,000 is tested with them.
        examples: How many tables Hypothesis makes.
    """

    engine: ClassVar[str] = ""
    engine_options: ClassVar[Mapping[str, Any]] = {}
    wide: ClassVar[int] = 1_000
    examples: ClassVar[int] = 20

    @pytest.fixture
    def session(self) -> Any:
        """A session that the caller hands in, for engines that have one."""
        return None

    @pytest.fixture
    def config(self, manager: PluginManager, session: Any, tmp_path: Path) -> EngineConfig:
        """What the engine is built from: its options are validated by its own model."""
        from odibi_core.project import resolve_options

        spec = manager.engine(self.engine)
        options = resolve_options(self.engine_options, spec=spec, manager=manager, what=self.engine, root=tmp_path)
        return EngineConfig(project_root=tmp_path, options=options, session=session)

    @pytest.fixture
    def execution_engine(self, request: pytest.FixtureRequest, manager: PluginManager) -> Iterator[ExecutionEngine]:
        """The engine, closed after the test."""
        engine: ExecutionEngine = manager.load(manager.engine(self.engine))(request.getfixturevalue("config"))
        yield engine
        engine.close()
