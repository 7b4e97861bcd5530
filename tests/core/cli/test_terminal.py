"""What a person sees: the real command on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from odibi_core.cli.output import Output
from odibi_core.cli.progress import PlainLines, RunWatch
from odibi_core.events import HookManager

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"

WAITING = """
    from pathlib import Path
    from rows_engine import Rows

    def good(df):
        print("a word from good")
        return Rows(df)

    def wait(df):
        with Path(__file__).with_name("gate").open() as gate:
            gate.read()
        return Rows(df)
"""


class Terminal:
    """A command on a pseudo-terminal; what it has written so far is in `text`."""

    def __init__(
        self, words: tuple[object, ...], *, cwd: Path, columns: int, command: Path, **environment: str
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        stderr = environment.pop("stderr", None)
        self._errors = Path(stderr).open("w") if stderr else None  # noqa: SIM115
        self.process = subprocess.Popen(
            [command, *map(str, words)],
            cwd=cwd,
            env={**variables, "TERM": "xterm-256color", **environment},
            stdin=slave,
            stdout=slave,
            stderr=self._errors or slave,
        )
        os.close(slave)
        self.text = ""

    def read_until(self, *words: str) -> str:
        """Read until the text holds all these words; return it."""
        while not all(word in ANSI.sub("", self.text) for word in words):
            assert self._read(), f"ended without {words}: {self.text}"
        return self.text

    def read_to_end(self) -> str:
        """Read until the command has ended; return what it has written, without line ends of terminals."""
        while self._read():
            pass
        self.process.wait(60)
        return self.text.replace("\r\n", "\n")

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
        os.close(self._master)
        if self._errors:
            self._errors.close()

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.text += data.decode()
        return bool(data)


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Callable[..., Terminal]]:
    """Start the real command on a terminal of so many columns."""
    opened: list[Terminal] = []

    def start(*words: object, cwd: Path, columns: int = 80, **environment: str) -> Terminal:
        from sys import executable

        command = Path(executable).with_name("odibi")
        opened.append(Terminal(words, cwd=cwd, columns=columns, command=command, **environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def waiting(make_project: Callable[..., Path]) -> Path:
    """A project whose second transformation waits until somebody opens the file ``gate``."""
    rows = [
        {"transformation_id": "first", "function": "good", "inputs": ["in.json"], "outputs": ["silver.a"]},
        {"transformation_id": "second", "function": "wait", "inputs": ["silver.a"], "outputs": ["silver.b"]},
        {"transformation_id": "third", "function": "good", "inputs": ["silver.b"], "outputs": ["silver.c"]},
    ]
    root = make_project(rows, files={"steps.py": WAITING, "in.json": '[{"n": 1}]'})
    os.mkfifo(root / "gate")
    return root


def test_live_display_shows_what_is_done_and_what_is_running(terminal, waiting):
    running = terminal("run", cwd=waiting)
    during = running.read_until("1/3", "second  0.")
    (waiting / "gate").write_text("go on")
    after = running.read_to_end()

    assert HIDE_CURSOR in during
    assert "\x1b[32mSUCCESS\x1b[0m  first" in during
    assert "a word from good" in during
    assert running.process.returncode == 0
    assert after.rindex(SHOW_CURSOR) > after.rindex(HIDE_CURSOR)
    plain = ANSI.sub("", after)
    assert [plain.count(f"SUCCESS  {name} ") for name in ("first", "second", "third")] == [1, 1, 1]
    assert "\nSUCCESS  Shop (qat, rows) in " in plain
    assert "data/silver/c.json" in plain


def test_interrupt_gives_the_terminal_back(terminal, waiting):
    running = terminal("run", cwd=waiting)
    running.read_until("second  0.")

    running.process.send_signal(signal.SIGINT)
    text = running.read_to_end()

    assert running.process.returncode == 130
    assert text.rindex(SHOW_CURSOR) > text.rindex(HIDE_CURSOR)
    assert "is closed as ABORTED." in ANSI.sub("", text).replace("\n", " ")


def test_failure_is_red_with_its_message(terminal, broken_shop):
    running = terminal("run", cwd=broken_shop)
    text = running.read_to_end()

    assert running.process.returncode == 1
    assert "\x1b[31mFAILED   fails: ValueError: boom (steps.py:8)" in text.replace("\x1b[0m\x1b[31m", "")


def test_no_color_is_respected(terminal, broken_shop):
    text = terminal("run", cwd=broken_shop, NO_COLOR="1").read_to_end()

    assert HIDE_CURSOR in text
    assert "FAILED   fails" in text
    assert not [code for code in COLOUR.findall(text) if any(part[:1] in "349" for part in code[2:-1].split(";"))]


def test_terminal_that_can_do_nothing_gets_plain_lines(terminal, shop):
    text = terminal("run", cwd=shop, TERM="dumb").read_to_end()

    assert not ANSI.search(text)
    assert "SUCCESS  clean" in text


def test_stderr_that_is_a_file_stays_out_of_the_terminal(terminal, shop, tmp_path, site):
    site.plugin("clumsy", "@hookimpl\ndef odibi_layer_start(event):\n    raise RuntimeError('clumsy')\n")

    text = terminal("run", cwd=shop, stderr=str(tmp_path / "errors")).read_to_end()

    assert "clumsy" not in text
    assert "observer failed" in (tmp_path / "errors").read_text()


@pytest.mark.parametrize(
    ("words", "columns"),
    [(["run"], 80), (["run"], 40), (["plan"], 80), (["plan"], 40), (["plugins", "list"], 40), (["runs"], 40)],
    ids=lambda value: value if isinstance(value, int) else " ".join(value),
)
def test_lines_fit_into_the_terminal(terminal, odibi, broken_shop, tmp_path, words, columns):
    if words == ["runs"]:
        odibi("run", cwd=broken_shop)

    text = terminal(*words, cwd=broken_shop, columns=columns, stderr=str(tmp_path / "errors")).read_to_end()

    lines = [part for line in ANSI.sub("", text).splitlines() for part in line.split("\r")]
    assert len(lines) > 1
    assert [line for line in lines if len(line) > columns] == []


def test_retry_is_told(capsys):
    watch = RunWatch(told=PlainLines(Output()).told)
    hooks = watch.register(HookManager())

    hooks.emit(
        "transform_retry",
        {"transformation_id": "t1", "attempt": 1, "delay_seconds": 2.0, "error": "TransientError:\nbusy"},
    )

    assert capsys.readouterr().out == "RETRY    t1: attempt 1 failed, again in 2.00 s: TransientError: busy\n"
