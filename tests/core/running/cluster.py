"""An engine for tests that does its work in jobs, which run until somebody stops them."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from rows_engine import JsonSaver, RowsEngine

from odibi_core.plugin import EngineSpec, ReaderSpec, SaverSpec, hookimpl

attempts = []
cancelled = []
cancelled_inside = []
left = []
job_began = threading.Event()
job_ended = threading.Event()
misses = 0  # how many calls of `cancel` come before the job that they are to stop
saves_are_jobs = False

_stops = {}
_local = threading.local()


class JobStoppedError(Exception):
    """What waits for a job raises when the job is stopped."""


def current():
    return getattr(_local, "key", None)


def job():
    job_began.set()
    if not _stops[current()].wait(30):
        raise AssertionError("nobody stopped the job")
    job_ended.set()
    raise JobStoppedError(f"the job of {current()[0]} was stopped")


class ClusterEngine(RowsEngine):
    @contextmanager
    def transformation(self, task):
        key = _local.key = (task.transformation_id, task.attempt)
        _stops[key] = threading.Event()
        try:
            yield
        finally:
            _local.key = None
            left.append(key)

    def cancel(self, task):
        key = (task.transformation_id, task.attempt)
        cancelled.append(key)
        if key not in left:
            cancelled_inside.append(key)
        if len(cancelled) > misses:
            _stops[key].set()


class ClusterSaver(JsonSaver):
    def save(self, frame, dataset):
        if saves_are_jobs:
            job()
        return super().save(frame, dataset)


@hookimpl
def odibi_register_engines():
    yield EngineSpec(name="rows", factory="cluster:ClusterEngine")


@hookimpl
def odibi_register_readers():
    yield ReaderSpec(engine="rows", format="json", factory="rows_engine:JsonReader", suffixes=(".json",))


@hookimpl
def odibi_register_savers():
    yield SaverSpec(engine="rows", format="json", factory="cluster:ClusterSaver", suffixes=(".json",))
