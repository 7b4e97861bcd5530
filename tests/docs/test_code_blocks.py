"""What the documentation shows is run as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN_BLOCKS = Path(__file__).with_name("run_blocks.py")


def run_page(page: Path, *, folder: Path) -> subprocess.CompletedProcess[str]:
    scripts = str(Path(sys.executable).parent)
    environ = {**os.environ, "PATH": os.pathsep.join([scripts, os.environ["PATH"]]), "NO_COLOR": "1", "COLUMNS": "120"}
    command = [sys.executable, "-W", "error", str(RUN_BLOCKS), str(page)]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_blocks_of_the_page_run(doc_page: Path, tmp_path: Path) -> None:
    done = run_page(doc_page, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        pytest.param("```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n", "page.md:6", id="python that fails"),
        pytest.param("```bash\nodibi no-such-command\n```\n", "ended with 2", id="command that fails"),
        pytest.param(
            "```console\n$ odibi --help\nUsage: another\n```\n", "and the page says", id="output that differs"
        ),
        pytest.param("```bash\ncd x\nodibi run\n```\n", "not in its first line", id="command that would not be run"),
        pytest.param("<!-- not run: -->\n```python\n```\n", "without a reason", id="exclusion without a reason"),
        pytest.param("```python\nx = 1\n", "never closed", id="open block"),
        pytest.param("```yaml\na: [\n```\n", "page.md:2", id="yaml that cannot be read"),
    ],
)
def test_page_that_is_not_true_fails(page: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)

    done = run_page(path, folder=tmp_path)

    assert done.returncode != 0
    assert complaint in done.stderr


def test_blocks_share_a_namespace_files_and_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(
        "```python file=sub/module.py\nVALUE = 3\n```\n"
        "<!-- not run: it takes a cluster -->\n\n```python\nraise SystemExit(7)\n```\n"
        "```bash\nodibi --help\ncd sub\n```\n"
        "```python\nfrom module import VALUE\n```\n"
        "```python\nassert VALUE == 3\n```\n"
    )

    done = run_page(path, folder=tmp_path)

    assert done.returncode == 0, done.stderr
