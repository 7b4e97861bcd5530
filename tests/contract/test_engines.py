"""Our own engines keep the contract that the kit holds every author's to."""

from __future__ import annotations

import pytest

from odibi_core.testing import EngineContract


class TestPandas(EngineContract):
    plugin = "engine-pandas"
    engine = "pandas"


@pytest.mark.spark
class TestSpark(EngineContract):
    plugin = "engine-spark"
    engine = "spark"
    # Beyond some hundred columns, Spark's planner takes seconds per job.
    wide = 200
    examples = 4

    @pytest.fixture
    def session(self, classic_session):
        return classic_session

    @pytest.fixture
    def costly_frame(self, execution_engine):
        frames = execution_engine.session.range(3)
        return frames.selectExpr("raise_error('computed') as id")
