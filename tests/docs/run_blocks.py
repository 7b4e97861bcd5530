"""Run the code blocks of a page, top to bottom, in the current folder, as a reader would who types them in.

    python run_blocks.py PAGE.md

- ``python``: run in one namespace for the whole page.
- ``bash`` that starts with ``odibi``: run by bash; the folder it ends in is where the next block starts.
- ``console`` that starts with ``$ odibi``: each ``$`` line is run; the lines under it are its output, in which ``...``
  stands for anything.
- any language with ``file=NAME`` after it: written to that file, which is how a page shows a project's files.
- ``json``, ``toml``, ``yaml``: parsed.

A block under ``<!-- not run: REASON -->`` is left alone. A block that runs ``odibi`` later than in its first line is
an error: it would look tested and would not be.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_FENCE = re.compile(r"(?P<indent> *)(?P<fence>```+|~~~+)(?P<info>[^`]*)$")
_EXCLUSION = re.compile(r"<!--\s*not run:(?P<reason>.*)-->")
_OUTPUT_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_SHELL = ("bash", "console", "sh", "shell")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its first line's number, the words after the fence, its text, and why it is not run."""

    line: int
    language: str
    file: str
    text: str
    exclusion: str | None


class BlockError(Exception):
    """A block does not do what the page says."""


def read_blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines = page.splitlines()
    exclusion: str | None = None
    position = 0
    while position < len(lines):
        opening = _FENCE.match(lines[position])
        if opening is None:
            if lines[position].strip():
                comment = _EXCLUSION.search(lines[position])
                exclusion = comment["reason"].strip() if comment else None
            position += 1
            continue
        start = position + 1
        position = start
        while position < len(lines) and lines[position].strip() != opening["fence"]:
            position += 1
        if position == len(lines):
            raise BlockError(f"line {start}: the block is never closed")
        language, _, rest = opening["info"].strip().partition(" ")
        named = re.search(r"file=(\S+)", rest)
        text = "\n".join(line.removeprefix(opening["indent"]) for line in lines[start:position]) + "\n"
        yield Block(start + 1, language, named[1] if named else "", text, exclusion)
        exclusion = None
        position += 1


def run_block(block: Block, namespace: dict[str, Any], page: str) -> None:
    """Do what a reader would do with a block."""
    if block.exclusion is not None:
        if not block.exclusion:
            raise BlockError("it is excluded without a reason: <!-- not run: why -->")
    elif block.file:
        path = Path(block.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    elif block.language == "python":
        exec(compile("\n" * (block.line - 1) + block.text, page, "exec"), namespace)
    elif block.language in _SHELL:
        _run_shell(block)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "yaml":
        yaml.safe_load(block.text)


def _run_shell(block: Block) -> None:
    first, *others = [line for line in block.text.splitlines() if line.strip()]
    if not re.match(r"(\$ )?odibi\b", first):
        if any(re.match(r"(\$ )?odibi\b", line) for line in others):
            raise BlockError("it runs odibi, but not in its first line: split it, or exclude it with a reason")
        return
    if block.language != "console":
        _bash(block.text)
        return
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        output = _bash(command)
        if expected.strip() and not doctest.OutputChecker().check_output(expected, output, _OUTPUT_FLAGS):
            raise BlockError(f"$ {command}\nprinted\n{output}\nand the page says\n{expected}")


def _bash(script: str) -> str:
    """Run a script, follow it into the folder it ends in, and return what it printed."""
    read, write = os.pipe()
    with os.fdopen(read, encoding="utf-8") as folder:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{script}\npwd >&{write}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[write],
            text=True,
            check=False,
        )
        os.close(write)
        if done.returncode:
            raise BlockError(f"{script.strip()}\nended with {done.returncode}:\n{done.stdout}")
        os.chdir(folder.read().strip())
    return done.stdout


def main(page: str) -> None:
    """Run every block of a page; the first that fails is named with its line, and ends it."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    sys.path.insert(0, "")
    for block in read_blocks(Path(page).read_text(encoding="utf-8")):
        try:
            run_block(block, namespace, page)
        except BaseException as error:
            error.add_note(f"This is the block at {page}:{block.line}")
            raise


if __name__ == "__main__":
    main(sys.argv[1])
