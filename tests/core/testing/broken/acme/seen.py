"""What the observers saw of runs that go on."""

import threading
from collections import defaultdict

_lock = threading.Lock()
_rows = defaultdict(list)
_projects = []


def begin(project):
    with _lock:
        _projects.append(project)


def end(project):
    with _lock:
        _projects.remove(project)
        if not _projects:
            _rows.clear()


def note(run_id, dataset, rows):
    with _lock:
        _rows[run_id, dataset].append(rows)
