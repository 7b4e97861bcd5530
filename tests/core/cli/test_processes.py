"""The real command in a process of its own: streams, pipes, signals, imports."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from odibi_core.runlog import RunIndex

ANSI = re.compile(r"\x1b\[")
SLOW = """
    import sys
    import threading

    def slow(df):
        sys.stdout.write("slow is running\\n")
        sys.stdout.flush()
        threading.Event().wait(60)
        return df

    def stubborn(df):
        heard = 0
        while True:
            try:
                print(f"stubborn heard {heard}", flush=True)
                threading.Event().wait(60)
            except BaseException:
                heard += 1

    def quick(df):
        return df
"""


def wait_for(process: subprocess.Popen[str], *lines: str) -> list[str]:
    """Read lines until each of these was there, and return what was read."""
    missing, read = list(lines), []
    while missing:
        line = process.stdout.readline()
        assert line, f"ended without {missing}: {''.join(read)} {process.stderr.read()}"
        read.append(line)
        for wanted in missing:
            if wanted in line:
                missing.remove(wanted)
                break
    return read


def slow_project(make_project, *functions):
    rows = [
        {"transformation_id": f"t{number}", "function": name, "inputs": ["in.json"], "outputs": [f"silver.t{number}"]}
        for number, name in enumerate(functions)
    ]
    return make_project(rows, files={"steps.py": SLOW, "in.json": "[]"})


def test_success_leaves_stderr_empty_and_only_outputs_and_the_run_log_behind(call, shop):
    before = {path.name for path in shop.iterdir()}

    answer = call("run", cwd=shop)

    assert (answer.code, answer.stderr) == (0, "")
    assert {path.name for path in shop.iterdir()} - before == {"data", ".odibi"}


@pytest.mark.parametrize(
    "words",
    [["run"], ["plan"], ["plugins", "list"]],
    ids=" ".join,
)
def test_pipe_gets_no_ansi_codes(call, shop, words):
    answer = call(*words, cwd=shop, FORCE_COLOR="1", CLICOLOR_FORCE="1", TERM="xterm-256color")

    assert answer.stdout + answer.stderr
    assert not ANSI.search(answer.stdout + answer.stderr)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "Gr\\xf6\\xdfe \\u2264 30"), ("cp1252", "Größe \\u2264 30")],
    ids=["ascii", "cp1252"],
)
def test_output_is_safe_where_the_encoding_cannot_do_more(call, shop, encoding, shown):
    manifest = json.loads((shop / "manifest.json").read_text())
    (shop / "manifest.json").write_text(json.dumps(manifest | {"project_name": "Größe ≤ 30"}))

    text = call("run", cwd=shop, PYTHONIOENCODING=encoding)
    document = call("plan", "--json", cwd=shop, PYTHONIOENCODING=encoding)

    assert (text.code, text.stderr) == (0, "")
    assert f"SUCCESS  {shown} (qat, rows)" in text.stdout
    assert document.json["project"] == "Größe ≤ 30"


@pytest.mark.parametrize("words", [["plan"], ["plan", "--json"], ["--help"]], ids=" ".join)
def test_reader_that_goes_away_is_no_error(start, shop, words):
    process = start(*words, cwd=shop)
    process.stdout.close()

    process.wait(60)

    assert process.returncode == 141
    assert process.stderr.read() == ""


@pytest.mark.parametrize(("project", "code"), [("shop", 141), ("broken_shop", 1)])
def test_run_goes_on_when_nobody_reads_its_lines(start, request, project, code):
    root = request.getfixturevalue(project)
    process = start("run", cwd=root)
    process.stdout.close()

    process.wait(60)

    run = RunIndex(root / ".odibi").run()
    assert process.returncode == code
    assert "observer failed" not in process.stderr.read()
    assert sum(run.counts.values()) == 3


def test_closed_stdout_is_no_error(shop):
    command = "import os, sys; os.close(1); os.execv(sys.argv[1], sys.argv[1:])"

    done = subprocess.run(
        [sys.executable, "-c", command, Path(sys.executable).with_name("odibi"), "plan"],
        cwd=shop,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_full_disk_behind_stdout_is_said_and_no_success(shop):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from odibi_core.cli import main; main(['plan'])"],
            cwd=shop,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "Error: The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_interrupted_run_is_closed_as_aborted(start, make_project, number, code):
    root = slow_project(make_project, "slow", "quick")
    process = start("run", "--max-workers", "1", cwd=root)
    wait_for(process, "slow is running")

    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)

    run = RunIndex(root / ".odibi").run()
    assert process.returncode == code
    assert run.status == "ABORTED"
    assert f"Interrupted: run {run.run_id} is closed as ABORTED." in stderr
    assert "Traceback" not in stderr
    assert not (root / "data").exists()


def test_interrupted_run_says_so_in_json(start, make_project):
    root = slow_project(make_project, "slow")
    process = start("run", "--json", cwd=root)
    process.stderr.readline()

    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)

    error = json.loads(stdout)["error"]
    assert process.returncode == 130
    assert error["type"] == "Interrupted"
    assert error["run_id"] == RunIndex(root / ".odibi").run().run_id
    assert error["run_id"] in error["message"]


def test_second_interrupt_does_not_wait_for_threads_that_are_busy(start, make_project):
    root = slow_project(make_project, "slow", "slow", "slow")
    process = start("run", "--max-workers", "3", cwd=root)
    wait_for(process, *["slow is running"] * 3)

    process.send_signal(signal.SIGINT)
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)

    run = RunIndex(root / ".odibi").run()
    assert first == "Interrupted: waiting for what is running; interrupt again to leave at once.\n"
    assert process.returncode == 130
    assert stderr.startswith(f"Error: Interrupted: run {run.run_id} ")
    assert run.status == "ABORTED"


def test_third_interrupt_leaves_a_function_that_does_not_listen(start, make_project):
    root = slow_project(make_project, "stubborn")
    process = start("run", cwd=root)
    for heard in range(3):
        wait_for(process, f"stubborn heard {heard}")
        process.send_signal(signal.SIGINT)

    process.communicate(timeout=60)

    assert process.returncode == 130
    assert RunIndex(root / ".odibi").run().status == "ABORTED"
