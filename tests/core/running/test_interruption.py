"""Ctrl-C in a run that Python code has started: the run log is closed, the lease is free, KeyboardInterrupt comes out."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import threading
from pathlib import Path

import pytest

import odibi_core
from odibi_core import HookManager, run_project
from odibi_core.errors import RunLogError
from odibi_core.runlog import RunLease

KERNEL = str(Path(odibi_core.__file__).parent)

STEPS = """
    import signal
    import threading
    from rows_engine import Rows

    main = threading.main_thread()
    together = threading.Barrier(2, timeout=30)
    interrupted = threading.Event()

    def good(df):
        return Rows(df)

    def press(df):
        signal.raise_signal(signal.SIGINT)
        return Rows(df)

    def raises(df):
        raise KeyboardInterrupt

    def on_two_threads(df):
        if threading.current_thread() is main:
            try:
                together.wait()
                threading.Event().wait(30)
            finally:
                interrupted.set()
        together.wait()
        signal.pthread_kill(main.ident, signal.SIGINT)
        assert interrupted.wait(30)
        return Rows(df)

    def main_waits_helper_raises(df):
        together.wait()
        if threading.current_thread() is main:
            assert interrupted.wait(30)
            return Rows(df)
        interrupted.set()
        raise KeyboardInterrupt
"""
FILES = {"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'}


class ListSink:
    def __init__(self):
        self.records = []

    def write(self, records):
        self.records += records


def row(id_, function, outputs=None, inputs=("landing/in.json",), **more):
    outputs = [f"silver.{id_}"] if outputs is None else outputs
    return {"transformation_id": id_, "function": function, "inputs": list(inputs), "outputs": outputs, **more}


def saved(root):
    return {path.stem for path in root.glob("data/**/*") if path.is_file()}


def run_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("odibi")]


@pytest.fixture
def interrupt(manager, journals):
    """Run a project that is interrupted, look at what must always hold, and return the statuses in its journal."""

    def run(root, **arguments):
        sink = ListSink()
        with pytest.raises(KeyboardInterrupt):
            run_project(root, manager=manager, log_sink=sink, **arguments)
        journal = journals(root)[-1]
        assert journal.end["status"] == "ABORTED"
        assert [record["seq"] for record in sink.records] == [record["seq"] for record in journal.records]
        assert journal.end["records"] == len(journal.records)
        assert run_threads() == []
        RunLease.acquire(root / ".odibi", project="Shop", env="qat", run_id="another").release()
        statuses = {record["transformation_id"]: record["status"] for record in journal.records}
        assert "RUNNING" not in statuses.values()
        assert {id_ for id_, status in statuses.items() if status == "SUCCESS"} <= saved(root)
        return statuses

    return run


def test_in_a_function_on_the_main_thread(make_project, interrupt):
    root = make_project(
        [row("before", "good"), row("pressed", "press", step=2), row("after", "good", step=3)], files=FILES
    )

    statuses = interrupt(root, max_workers=1)

    assert statuses == {"before": "SUCCESS", "pressed": "ABORTED"}
    assert saved(root) == {"before"}


def test_while_a_helper_thread_is_in_a_function(make_project, interrupt):
    root = make_project(
        [row("one", "on_two_threads"), row("two", "on_two_threads"), row("later", "good", step=2)], files=FILES
    )

    statuses = interrupt(root, max_workers=2)

    assert set(statuses) == {"one", "two"}
    assert "ABORTED" in statuses.values()
    assert saved(root) == {id_ for id_, status in statuses.items() if status == "SUCCESS"}


@pytest.mark.parametrize("function", ["raises", "main_waits_helper_raises"], ids=["main thread", "helper thread"])
def test_raised_by_a_function_reaches_the_caller(make_project, interrupt, function):
    root = make_project([row("one", function), row("two", function), row("later", "good", step=2)], files=FILES)

    statuses = interrupt(root, max_workers=1 if function == "raises" else 2)

    assert "later" not in statuses
    assert "ABORTED" in statuses.values()


@pytest.fixture
def draft_saver(rows_engine, monkeypatch):
    """A saver that writes a draft first, as every saver should, and does something between draft and file."""

    def install(between):
        def save(self, frame, dataset):
            path = Path(dataset.location)
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".draft")
            try:
                draft.write_text("[")
                between(path)
                draft.write_text(json.dumps(list(frame)))
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            return rows_engine.SaveReport(rows=len(frame), location=str(path))

        monkeypatch.setattr(rows_engine.JsonSaver, "save", save)

    return install


def test_in_a_save_on_the_main_thread_leaves_nothing_half_written(make_project, interrupt, draft_saver):
    root = make_project([row("t", "good")], files=FILES)
    draft_saver(lambda path: signal.raise_signal(signal.SIGINT))

    statuses = interrupt(root)

    assert statuses == {"t": "ABORTED"}
    assert saved(root) == set()


def test_save_on_a_helper_thread_is_completed_and_recorded(make_project, interrupt, draft_saver):
    root = make_project([row("one", "good"), row("two", "good")], files=FILES)
    main, both_save, leaving = threading.main_thread(), threading.Barrier(2, timeout=30), threading.Event()

    def between(path):
        both_save.wait()
        if threading.current_thread() is main:
            leaving.set()
            signal.raise_signal(signal.SIGINT)
        assert leaving.wait(30)

    draft_saver(between)

    statuses = interrupt(root, max_workers=2)

    assert sorted(statuses.values()) == ["ABORTED", "SUCCESS"]
    assert saved(root) == {id_ for id_, status in statuses.items() if status == "SUCCESS"}


def test_between_two_outputs_keeps_the_first(make_project, interrupt):
    root = make_project([row("t", "good", outputs=["silver.a"]), row("u", "good", step=2)], files=FILES)
    hooks = HookManager()

    @hooks.on("post_save")
    def press(payload):
        signal.raise_signal(signal.SIGINT)

    assert interrupt(root, hooks=hooks) == {"t": "ABORTED"}
    assert saved(root) == {"a"}


@pytest.mark.parametrize("event", ["orchestrator_run_start", "layer_start", "transform_start", "layer_end"])
def test_in_a_callback(make_project, interrupt, event):
    root = make_project([row("t", "good")], files=FILES)
    hooks = HookManager()
    hooks.register(event, lambda payload: signal.raise_signal(signal.SIGINT))

    statuses = interrupt(root, hooks=hooks)

    assert statuses == {"layer_end": {"t": "SUCCESS"}, "transform_start": {"t": "ABORTED"}}.get(event, {})


def test_while_an_attempt_is_waited_for(make_project, interrupt):
    """The pause before the next attempt is on the main thread; so is the interrupt."""
    functions = "from odibi_core.errors import TransientError\n\ndef flaky(df):\n    raise TransientError('again')\n"
    root = make_project(
        [row("t", "flaky", constants={"retry": {"attempts": 3, "delay": 60}})],
        files={"steps.py": functions, "landing/in.json": "[]"},
    )
    hooks = HookManager()
    hooks.register("transform_retry", lambda payload: signal.raise_signal(signal.SIGINT))

    assert interrupt(root, hooks=hooks) == {"t": "ABORTED"}


def test_after_the_last_record_is_no_failure_of_the_run(make_project, manager, journals):
    root = make_project([row("t", "good")], files=FILES)
    hooks = HookManager()
    hooks.register("orchestrator_run_end", lambda payload: signal.raise_signal(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        run_project(root, manager=manager, hooks=hooks)

    assert journals(root)[-1].end["status"] == "SUCCESS"
    assert run_project(root, manager=manager).status == "SUCCESS"


def test_second_interrupt_does_not_wait_for_helper_threads(make_project, manager, journals):
    functions = """
        import signal
        import sys
        import threading
        from rows_engine import Rows

        main = threading.main_thread()
        together = threading.Barrier(2, timeout=30)
        release = threading.Event()

        def wait(df):
            together.wait()
            if threading.current_thread() is main:
                raise KeyboardInterrupt
            while sys._current_frames()[main.ident].f_code.co_name != "_wait_for_tstate_lock":
                release.wait(0.001)  # until the run waits for this function
            signal.pthread_kill(main.ident, signal.SIGINT)
            assert release.wait(30)
            return Rows(df)
    """
    root = make_project([row("one", "wait"), row("two", "wait")], files={**FILES, "steps.py": functions})

    with pytest.raises(KeyboardInterrupt):
        run_project(root, manager=manager, max_workers=2)

    busy = [thread for thread in threading.enumerate() if thread.name.startswith("odibi")]
    (journal,) = journals(root)
    assert len(busy) == 1
    assert journal.end["status"] == "ABORTED"
    assert {record["transformation_id"]: record["status"] for record in journal.records} == {
        "one": "ABORTED",
        "two": "ABORTED",
    }
    sys.modules["steps"].release.set()
    busy[0].join(30)
    assert saved(root) == set()
    assert journals(root) == [journal]


class Press:
    """Raises KeyboardInterrupt at one of the moments at which Ctrl-C can hit the kernel's code on this thread.

    The interpreter looks for signals where a function begins and where a call returns. Generators are left out: an
    exception in one that is being closed is not raised.
    """

    def __init__(self, number=None):
        self.number = number
        self.seen = 0
        self.where = None

    def __enter__(self):
        sys.setprofile(self._look)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _look(self, frame, event, _argument):
        code = frame.f_code
        if event not in ("call", "c_return") or not code.co_filename.startswith(KERNEL) or "<" in code.co_name:
            return
        if "/running/" not in code.co_filename and "/runlog/" not in code.co_filename:
            return
        self.seen += 1
        if self.seen == self.number:
            self.where = f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}"
            sys.setprofile(None)
            raise KeyboardInterrupt


def three_by_three(make_project):
    functions = """
        import threading
        from rows_engine import Rows

        def good(df):
            threading.Event().wait(0.002)
            return Rows(df)
    """
    rows = [row(f"s{number}", "good") for number in range(3)]
    rows += [row("g", "good", inputs=["silver.s0"], outputs=["gold.g"], layer="Gold")]
    return make_project(rows, files={**FILES, "steps.py": functions})


def check_interrupted_anywhere(root, manager, journals, *, number, workers):
    shutil.rmtree(root / ".odibi", ignore_errors=True)
    shutil.rmtree(root / "data", ignore_errors=True)
    sink = ListSink()
    press = Press(number)
    raised = False
    try:
        with press:
            run_project(root, manager=manager, log_sink=sink, max_workers=workers)
    except KeyboardInterrupt:
        raised = True
    assert raised == (press.where is not None)
    assert run_threads() == [], press.where
    for journal in journals(root):
        if journal.end is None:
            assert journal.records == (), press.where
            continue
        assert journal.end["status"] in ("ABORTED", "SUCCESS"), press.where
        assert journal.end["records"] == len(journal.records), press.where
        ends = [record["transformation_id"] for record in journal.records if record["status"] != "RUNNING"]
        begun = [record["transformation_id"] for record in journal.records if record["status"] == "RUNNING"]
        assert sorted(ends) == sorted(begun), press.where
        good = {record["transformation_id"] for record in journal.records if record["status"] == "SUCCESS"}
        assert good <= saved(root), press.where
    assert run_project(root, manager=manager, log_sink=sink).status == "SUCCESS", press.where
    records = sorted((record["run_id"], record["seq"]) for record in sink.records)
    written = [(record["run_id"], record["seq"]) for journal in journals(root) for record in journal.records]
    assert records == written, press.where
    return press.where


@pytest.mark.parametrize("workers", [1, 3])
def test_at_any_moment_of_a_run(make_project, manager, journals, workers):
    root = three_by_three(make_project)
    run_project(root, manager=manager)
    with Press() as counting:
        run_project(root, manager=manager, max_workers=workers)
    numbers = range(1 + workers, counting.seen, counting.seen // 16)

    hit = [check_interrupted_anywhere(root, manager, journals, number=one, workers=workers) for one in numbers]

    assert len(set(hit)) > 10


# A file that was being opened at that moment is closed when the exception is forgotten, with a warning.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 3])
def test_at_every_moment_of_a_run(make_project, manager, journals, workers):
    root = three_by_three(make_project)
    run_project(root, manager=manager)
    number, hit = 1, True
    while hit:
        hit = check_interrupted_anywhere(root, manager, journals, number=number, workers=workers)
        number += 1

    assert number > 500


DISK_FULL = """
    import resource
    from pathlib import Path
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def fill(df):
        (journal,) = Path(__file__).parent.glob(".odibi/runs/*.jsonl")
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 10, most))
        return Rows(df)
"""


@pytest.fixture
def unlimited():
    """The limit on the size of files is taken back at the end of the test."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("workers", [1, 3])
def test_journal_that_cannot_be_written_stops_the_run_and_is_closed_by_the_next(
    make_project, manager, journals, unlimited, workers
):
    root = make_project(
        [row("before", "good"), row("full", "fill", step=2), *(row(f"after{n}", "good", step=3) for n in range(3))],
        files={**FILES, "steps.py": DISK_FULL},
    )
    sink = ListSink()

    with pytest.raises(RunLogError, match=r"Cannot write the journal .*\.odibi/runs/.*\.jsonl: File too large"):
        run_project(root, manager=manager, log_sink=sink, max_workers=workers)

    assert saved(root) == {"before", "full"}
    (journal,) = journals(root)
    assert journal.end is None
    assert [record["seq"] for record in sink.records] == [1, 2, 3]
    unlimited()
    make_project([row("again", "good")], files=FILES)
    assert run_project(root, manager=manager, log_sink=sink).status == "SUCCESS"
    closed, _ = journals(root)
    assert closed.end["status"] == "ABORTED"
    assert [record["seq"] for record in sink.records] == [1, 2, 3, 4, 1, 2]
