"""A run that is killed at random moments and resumed each time ends with what an undisturbed run makes."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest

from odibi_core import run_project
from odibi_core.runlog import RunIndex, read_journal

STEPS = """
    from rows_engine import Rows

    def combine(*frames, name, length):
        total = sum(row["n"] for frame in frames for row in frame) + sum(range(20_000))
        return Rows([{"by": name, "n": (31 * total + number) % 1_000_003} for number in range(length)])

    def divide(*frames, name, length):
        rows = combine(*frames, name=name, length=length)
        return {"left_" + name: rows, "right_" + name: Rows(rows[::-1])}
"""
RUN = """
import importlib.util
import itertools
import sys
from odibi_core import HookManager, run_project
from odibi_core.loading import PluginManager, PluginSettings

spec = importlib.util.spec_from_file_location("rows_engine", sys.argv[1])
rows_engine = importlib.util.module_from_spec(spec)
sys.modules["rows_engine"] = rows_engine
spec.loader.exec_module(rows_engine)
manager = PluginManager(PluginSettings(discover=False))
manager.register(rows_engine, name="rows-engine")
hooks, count = HookManager(), itertools.count(1)

@hooks.on("transform_success")
def tell(payload):
    print(payload["transformation_id"], flush=True)
    if next(count) >= int(sys.argv[4]):
        sys.stdin.read()  # until it is killed, so that it never comes to its end before

run_project(sys.argv[2], manager=manager.freeze(), hooks=hooks, resume=sys.argv[3] == "resume", max_workers=2)
"""
LAYERS = ("Bronze", "Silver", "Gold")


@dataclass
class Kills:
    """What was done to a project.

    Attributes:
        count: Killed processes.
        cut_off: By status, the last records of transformations when their process was killed.
        undecided: Saves that had begun and not been noted as ended.
    """

    count: int = 0
    cut_off: Counter[str] = field(default_factory=Counter)
    undecided: int = 0


def write_rows(chance, count):
    """Rows of random dependencies, of which half append, some to two outputs."""
    rows, outputs = [], []
    for number in range(count):
        name = f"t{number:03}"
        layer = LAYERS[3 * number // count]
        mode = chance.choice(["overwrite", "append"])
        names = [name] if chance.random() < 0.7 else [f"left_{name}", f"right_{name}"]
        rows.append(
            {
                "transformation_id": name,
                "layer": layer,
                "step": chance.choice([1, 1, 1, 2]),
                "function": "combine" if len(names) == 1 else "divide",
                "inputs": [],
                "constants": {"name": name, "length": chance.randint(1, 3)},
                "outputs": [{"table": f"{layer.lower()}.{one}", "mode": mode} for one in names],
            }
        )
        rows[-1]["inputs"] = ["landing/in.json"] + [
            output
            for output, row in chance.sample(outputs, min(len(outputs), chance.randint(0, 3)))
            if fits(row, rows[-1])
        ]
        outputs += [(one["table"], rows[-1]) for one in rows[-1]["outputs"]]
    return rows


def fits(before, after):
    return before["layer"] != after["layer"] or before["step"] <= after["step"]


def finished(root):
    index = RunIndex(root / ".odibi")
    runs = index.runs()
    return len(
        {
            one["transformation_id"]
            for run in runs
            for one in index.transformations(run.run_id)
            if one["status"] == "SUCCESS"
        }
    )


def contents(root):
    return {str(path.relative_to(root)): json.loads(path.read_text()) for path in sorted(root.glob("data/**/*.json"))}


@pytest.fixture
def resume_until_done(make_project, manager, rows_engine, tmp_path):
    """Kill a run of so many transformations so many times, and return what it and an undisturbed one have made."""

    def run(*, transformations, kills, seed):
        chance = random.Random(seed)
        rows = write_rows(chance, transformations)
        root = make_project(rows, files={"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'})
        for row in rows[::3]:
            for output in row["outputs"]:
                path = root / "data" / (output["table"].replace(".", "/") + ".json")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text('[{"by": "before", "n": 7}]')
        undisturbed = shutil.copytree(root, tmp_path / "undisturbed")
        assert run_project(undisturbed, manager=manager).status == "SUCCESS"
        done = Kills()
        while done.count < kills:
            how = "resume" if RunIndex(root / ".odibi").runs() else "run"
            left = transformations - finished(root)
            lines = chance.randint(0, left // (kills - done.count + 1))
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, rows_engine.__file__, str(root), how, str(left - 1)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                # Somewhere in the next part of the work, and then at some moment that is no step's end.
                for _ in range(lines):
                    process.stdout.readline()
                process.wait(timeout=chance.random() * (chance.choice([0.001, 0.01]) if lines else 0.4))
            except subprocess.TimeoutExpired:
                process.kill()
            _, stderr = process.communicate()
            assert process.returncode == -signal.SIGKILL, stderr
            done.count += 1
            note_what_was_cut_off(root, done)
        result = run_project(root, manager=manager, resume=True)
        return result, contents(root), contents(undisturbed), done

    return run


def note_what_was_cut_off(root, done):
    journals = sorted(root.glob(".odibi/runs/*.jsonl"))
    if not journals:
        return
    reading = read_journal(journals[-1])
    last = {record["transformation_id"]: record["status"] for record in reading.records}
    done.cut_off.update(status for status in last.values() if status in ("RUNNING", "RETRY"))
    saves = Counter((note["transformation_id"], note["output"]) for note in reading.notes if note["type"] == "saving")
    saves.subtract((note["transformation_id"], note["output"]) for note in reading.notes if note["type"] == "saved")
    done.undecided += sum(saves.values())


@pytest.mark.parametrize(
    ("transformations", "kills"),
    [
        pytest.param(60, 5, id="short"),
        pytest.param(300, 30, id="300 transformations, 30 kills", marks=pytest.mark.soak),
    ],
)
def test_killed_and_resumed_run_ends_with_what_an_undisturbed_one_makes(resume_until_done, transformations, kills):
    result, made, expected, done = resume_until_done(transformations=transformations, kills=kills, seed=20261121)

    assert result.status == "SUCCESS"
    assert len(result.transformations) == transformations
    assert made == expected
    assert done.count == kills
    print(f"{kills} kills: {done.cut_off} cut off, {done.undecided} appends undecided; the last run: {result}")
