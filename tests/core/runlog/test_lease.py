"""One run of a project and environment at a time, and a token that only ever grows."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.errors import ConfigError, LeaseLostError, RunInProgressError, RunLogError
from odibi_core.runlog import Journal, RunLease, new_run_id
from odibi_core.runlog.lease_file import LeaseFile, TokenTakenError
from odibi_core.runlog.liveness import process_mark


@pytest.fixture
def take(state_dir):
    """Takes leases; whatever is still held at the end of the test is released."""
    leases = []

    def acquire(run_id=None, *, project="Flights", env="qat"):
        leases.append(RunLease.acquire(state_dir, project=project, env=env, run_id=run_id or new_run_id()))
        return leases[-1]

    yield acquire
    for lease in leases:
        lease.release()


@pytest.fixture
def lease_file(state_dir):
    def only_one():
        (path,) = state_dir.glob("leases/*.json")
        return path

    return only_one


HOLDER = """
import sys
from pathlib import Path
from odibi_core.runlog import RunLease

lease = RunLease.acquire(Path(sys.argv[1]), project="Flights", env="qat", run_id=sys.argv[2])
print(lease.token, flush=True)
sys.stdin.read()
lease.release()
"""

WITHOUT_LOCKS = """
import errno, fcntl

def refuse(*_):
    raise OSError(errno.ENOLCK, "No locks available")

fcntl.flock = refuse
"""


@pytest.fixture
def holder(state_dir):
    """Starts processes that hold the lease until their standard input is closed."""
    started = []

    def start(run_id, *, code=HOLDER):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(state_dir), run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        process.first_line = process.stdout.readline().strip()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_second_run_of_one_project_and_environment_is_refused_with_what_to_do(take, lease_file):
    take("r1")

    with pytest.raises(RunInProgressError) as refused:
        take("r2")

    text = str(refused.value)
    assert refused.value.run_id == "r1"
    assert isinstance(refused.value, ConfigError)
    assert f"Run r1 of project 'Flights' in environment 'qat' is in progress: process {os.getpid()} on" in text
    assert socket.gethostname() in text
    assert json.loads(lease_file().read_text())["since"][:19].replace("T", " ") + " UTC" in text
    assert "`odibi runs show r1`" in text
    assert "wait until it has ended, or end it" in text


def test_lease_is_of_a_project_and_an_environment_whatever_their_case(take):
    take("r1")

    take("r2", env="prod")
    take("r3", project="Weather")

    with pytest.raises(RunInProgressError):
        take("r4", project=" FLIGHTS ", env="Qat")


def test_released_lease_is_free_and_its_token_is_used_up(take):
    tokens = []
    for _ in range(3):
        with take() as lease:
            tokens.append(lease.token)
            lease.check()

    assert tokens == [1, 2, 3]


def test_release_twice_is_one_release(take):
    first = take("r1")
    first.release()
    second = take("r2")

    first.release()

    second.check()


def test_released_lease_lets_nothing_be_written(take):
    lease = take("r1")
    lease.release()

    with pytest.raises(LeaseLostError, match=r"Run r1 \(token 1\).*it was given back at"):
        lease.check()


def test_lease_of_another_process_is_refused_and_free_when_that_has_ended(take, holder):
    process = holder("r1")
    assert process.first_line == "1"

    with pytest.raises(RunInProgressError, match=f"Run r1 .* process {process.pid} on"):
        take("r2")
    process.communicate(timeout=30)

    assert take("r3").token == 2


def test_lease_of_a_killed_process_is_taken_over_at_once(take, holder):
    process = holder("r1")

    process.kill()
    process.wait(30)

    assert take("r2").token == 2


def test_paused_process_keeps_its_lease(take, holder):
    process = holder("r1")
    process.send_signal(signal.SIGSTOP)

    with pytest.raises(RunInProgressError, match="Run r1"):
        take("r2")


def test_forked_worker_does_not_keep_the_lease_of_its_killed_parent(take, holder):
    forking = HOLDER.replace(
        "print(lease.token, flush=True)",
        "import os\nif os.fork() == 0:\n    sys.stdin.read()\n    os._exit(0)\nprint(lease.token, flush=True)",
    )
    process = holder("r1", code=forking)

    process.kill()
    process.wait(30)

    assert take("r2").token == 2


RACER = """
import sys
from pathlib import Path
from odibi_core.errors import RunInProgressError
from odibi_core.runlog import RunLease

sys.stdin.readline()
for number in range(5):
    try:
        with RunLease.acquire(Path(sys.argv[1]), project="Flights", env="qat", run_id=f"{sys.argv[2]}-{number}") as lease:
            lease.check()
            with open(sys.argv[3], "x"):
                pass
            Path(sys.argv[3]).unlink()
            print(lease.token)
    except RunInProgressError:
        pass
"""


@pytest.mark.parametrize("prelude", ["", WITHOUT_LOCKS], ids=["locks", "no locks"])
def test_of_several_processes_at_once_never_two_have_it_and_no_token_comes_twice(state_dir, tmp_path, prelude):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", prelude + RACER, state_dir, f"r{number}", tmp_path / "only-one"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]

    said = [racer.communicate("go\n", timeout=60) for racer in racers]

    assert [stderr for _, stderr in said] == [""] * 4
    tokens = [int(token) for stdout, _ in said for token in stdout.split()]
    assert tokens
    assert len(set(tokens)) == len(tokens)


def test_of_many_threads_of_one_process_one_gets_it(state_dir):
    barrier = threading.Barrier(16, timeout=30)

    def work(number):
        barrier.wait()
        try:
            return RunLease.acquire(state_dir, project="Flights", env="qat", run_id=f"r{number}")
        except RunInProgressError:
            return None

    with ThreadPoolExecutor(16) as pool:
        leases = [lease for lease in pool.map(work, range(16)) if lease is not None]

    assert len(leases) == 1
    leases[0].check()
    leases[0].release()


def test_deleted_file_is_a_lost_lease_and_the_token_still_grows(take, state_dir, lease_file):
    """The journals know the tokens that were given out."""
    first = take("r1")
    header = {"project": "flights", "env": "QAT", "engine": "pandas", "layers": [], "plugins": {}}
    journal = Journal.create(state_dir, run_id="r1", **header, lease_token=first.token + 6)
    journal.close("SUCCESS", duration_seconds=0.0)
    (state_dir / "runs" / "r2.jsonl").write_text("damaged\n\n")

    for path in state_dir.glob("leases/*"):
        path.unlink()
    second = take("r2")

    assert second.token == 8
    with pytest.raises(LeaseLostError, match=r"run r2 \(token 8\), process \d+ on .* took it over at"):
        first.check()


def test_missing_file_is_a_lost_lease(take, lease_file):
    lease = take("r1")
    lease_file().unlink()

    with pytest.raises(LeaseLostError, match="cannot be read: No such file or directory"):
        lease.check()


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"[]", b'{"token": "x"}', b"{"])
def test_file_damaged_by_a_power_failure_does_not_keep_anybody_from_running(take, lease_file, content):
    take("r1").release()
    lease_file().write_bytes(content)

    assert take("r2").token == 1


def test_file_of_a_newer_version_is_understood(take, lease_file):
    take("r1").release()
    lease_file().write_text(json.dumps({**json.loads(lease_file().read_text()), "more": [1]}))

    assert take("r2").token == 2


def test_folder_that_cannot_be_written_is_said_with_its_path(take, state_dir):
    state_dir.mkdir(parents=True)
    (state_dir / "leases").write_text("a file")

    with pytest.raises(RunLogError, match="leases"):
        take("r1")


def test_full_disk_at_the_end_frees_the_lease_all_the_same(take, lease_file, monkeypatch):
    lease = take("r1")
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        lease.release()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert take("r2").run_id == "r2"


class TestWithoutLocks:
    """The process that the file names decides."""

    @pytest.fixture(autouse=True)
    def refuse_locks(self, no_locks):
        pass

    def rewrite(self, path, **changes):
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    def test_living_process_keeps_its_lease(self, take, holder):
        process = holder("r1", code=WITHOUT_LOCKS + HOLDER)

        with pytest.raises(RunInProgressError, match=f"Run r1 .* process {process.pid} on") as refused:
            take("r2")

        assert "delete" not in str(refused.value)

    def test_killed_process_loses_it_at_once(self, take, holder):
        process = holder("r1", code=WITHOUT_LOCKS + HOLDER)
        process.kill()
        process.wait(30)

        assert take("r2").token == 2

    def test_released_lease_is_free_although_its_process_lives(self, take):
        take("r1").release()

        assert take("r2").token == 2

    def test_process_with_the_same_id_is_not_the_same_process(self, take, lease_file):
        take("r1")
        self.rewrite(lease_file(), process_start="another boot/1")

        assert take("r2").token == 2

    def test_process_on_another_host_is_believed_to_live_and_the_way_out_is_said(self, take, lease_file):
        take("r1")
        self.rewrite(lease_file(), host="elsewhere")

        with pytest.raises(RunInProgressError, match=r"process \d+ on elsewhere.*cannot be known from here") as refused:
            take("r2")

        assert f"delete {lease_file()}" in str(refused.value)
        lease_file().unlink()
        assert take("r3").token == 2

    def test_lease_that_was_taken_over_lets_nothing_be_written(self, take, lease_file):
        first = take("r1")
        self.rewrite(lease_file(), process_start="another boot/1")
        second = take("r2")

        with pytest.raises(LeaseLostError, match=r"Run r1 \(token 1\) .* run r2 \(token 2\)"):
            first.check()
        first.release()
        second.check()

    def test_token_that_is_being_taken_is_left_to_whoever_takes_it(self, take, lease_file):
        take("r1").release()
        claim = lease_file().with_suffix(".2.claim")
        claim.touch()

        with pytest.raises(RunInProgressError, match=r"just beginning or ending.*Try again"):
            take("r2")

        os.utime(claim, (1, 1))
        assert take("r3").token == 3

    def test_process_that_comes_late_with_an_old_token_disturbs_nobody(self, take, lease_file):
        take("r1").release()
        seen = LeaseFile(lease_file())
        late = seen.read().token + 1
        take("r2").release()
        third = take("r3")

        with pytest.raises(TokenTakenError), seen.claimed(late):
            pytest.fail("it would have written its token")

        third.check()
        assert not lease_file().with_suffix(f".{late}.claim").exists()

    def test_claims_do_not_pile_up(self, take, state_dir):
        for _ in range(4):
            take().release()

        assert len(list(state_dir.glob("leases/*.claim"))) == 1


def test_process_that_could_not_lock_is_respected_by_one_that_can(take, holder):
    """Two mounts of one folder need not agree on whether there are locks."""
    process = holder("r1", code=WITHOUT_LOCKS + HOLDER)

    with pytest.raises(RunInProgressError, match="Run r1"):
        take("r2")

    process.communicate(timeout=30)
    assert take("r3").token == 2


def test_file_says_who_has_the_lease(take, lease_file):
    take("r1")

    said = json.loads(lease_file().read_text())

    assert (said["token"], said["run_id"], said["released"]) == (1, "r1", None)
    assert {name: said[name] for name in ("host", "pid", "process_start")} == process_mark()
