"""An engine that can stop its jobs: they are named on the right thread, and stopped on a timeout and on Ctrl-C."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from odibi_core import run_project
from odibi_core.loading import PluginManager, PluginSettings

STEPS = """
    import signal
    from rows_engine import Rows
    import cluster

    def good(df):
        cluster.attempts.append(cluster.current())
        return Rows(df)

    def works(df):
        cluster.job()
        return Rows(df)

    def interrupts(df):
        cluster.job_began.wait(30)
        signal.raise_signal(signal.SIGINT)
        return Rows(df)

    def raises(df):
        raise ValueError("wrong")
"""


@pytest.fixture
def cluster(rows_engine, monkeypatch):
    """The registration module of an engine whose work is jobs, new for each test, importable as ``cluster``."""
    spec = importlib.util.spec_from_file_location("cluster", Path(__file__).with_name("cluster.py"))
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "cluster", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(cluster, make_project):
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(cluster, name="cluster")
    manager.freeze()

    def run(*functions, timeout=None, **more):
        rows = [
            {"transformation_id": name, "function": name, "inputs": ["landing/in.json"], "outputs": [f"silver.{name}"]}
            for name in functions
        ]
        if timeout is not None:
            rows[0]["constants"] = {"timeout": timeout}
        root = make_project(rows, functions={"steps.py": STEPS}, files={"landing/in.json": '[{"n": 1}]'})
        return run_project(
            "Shop", manifest_path=root / "manifest.json", manager=manager, raise_on_failure=False, **more
        )

    return run


def test_an_attempt_is_surrounded_on_its_own_thread(run, cluster):
    result = run("good")
    assert result.status == "SUCCESS"
    assert cluster.attempts == [("good", 1)]
    assert cluster.left == [("good", 1)]
    assert cluster.cancelled == []


def test_the_surroundings_end_when_a_function_raises(run, cluster):
    assert run("raises").status == "FAILED"
    assert cluster.left == [("raises", 1)]
    assert cluster.cancelled == []


def test_a_timeout_stops_the_jobs(run, cluster):
    result = run("works", timeout=0.05)
    assert cluster.cancelled == [("works", 1)]
    assert result.status == "FAILED"
    assert "longer than its timeout of 0.05 s and was given up" in result.transformations[0].error


def test_a_timeout_stops_a_save_that_is_a_job(run, cluster):
    cluster.saves_are_jobs = True
    result = run("good", timeout=0.05)
    assert cluster.cancelled == [("good", 1)]
    assert result.transformations[0].status == "FAILED"
    assert "longer than its timeout of 0.05 s and was stopped while it saved" in result.transformations[0].error


@pytest.mark.parametrize(("function", "saves_are_jobs"), [("works", False), ("good", True)])
def test_a_job_that_began_while_it_was_stopped_is_stopped_again(run, cluster, function, saves_are_jobs):
    cluster.misses, cluster.saves_are_jobs = 1, saves_are_jobs
    result = run(function, timeout=0.05)
    assert result.transformations[0].status == "FAILED"
    assert cluster.cancelled == [(function, 1)] * 2
    assert cluster.job_ended.wait(30)


def test_ctrl_c_stops_jobs_until_they_have_ended(run, cluster):
    cluster.misses = 2
    with pytest.raises(KeyboardInterrupt):
        run("interrupts", "works", max_workers=2)
    assert cluster.cancelled.count(("works", 1)) > 1
    assert cluster.job_ended.is_set()


def test_ctrl_c_stops_the_jobs_of_every_thread(run, cluster):
    with pytest.raises(KeyboardInterrupt):
        run("interrupts", "works", max_workers=2)
    assert ("works", 1) in cluster.cancelled
    assert ("interrupts", 1) in cluster.cancelled_inside
    assert sorted(cluster.left) == [("interrupts", 1), ("works", 1)]


def test_an_engine_that_cannot_stop_a_job_is_waited_for(run, cluster, monkeypatch):
    def refuse(self, task):
        stopped(self, task)
        raise ConnectionError("the cluster is gone")

    stopped = cluster.ClusterEngine.cancel
    monkeypatch.setattr(cluster.ClusterEngine, "cancel", refuse)
    result = run("works", timeout=0.05)
    assert result.transformations[0].status == "FAILED"
    assert "longer than its timeout" in result.transformations[0].error
