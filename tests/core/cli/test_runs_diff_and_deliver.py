"""`odibi runs diff` and `odibi runs deliver`, and what becomes of questions to a run log that cannot be read."""

from __future__ import annotations

import json

import pytest

from odibi_core import run_project
from odibi_core.runlog import Journal, RunIndex, new_run_id
from odibi_core.runlog.comparison import compare_runs

SHELF = """
    import json
    from datetime import datetime
    from pathlib import Path

    class ShelfSink:
        def __init__(self, path):
            self.path = Path(path)

        def write(self, records):
            with self.path.open("a", encoding="utf-8") as file:
                for record in records:
                    file.write(json.dumps(record, default=datetime.isoformat) + "\\n")

        def read_records(self, *, project=None, since=None):
            for line in self.path.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                for name in ("start_time", "end_time"):
                    record[name] = record[name] and datetime.fromisoformat(record[name])
                yield record

    @hookimpl
    def odibi_register_log_sinks():
        yield LogSinkSpec(name="shelf", factory="acme_shelf:ShelfSink")
"""


@pytest.fixture
def shelved(site, make_project, tmp_path):
    """A project with two log sinks, and the folders they write to, which are not there yet."""
    site.plugin("shelf", SHELF)
    places = [tmp_path / name for name in ("one", "two")]
    root = make_project(
        [
            {"transformation_id": name, "function": name, "inputs": ["in.json"], "outputs": [f"silver.{name}"]}
            for name in ("good", "bad")
        ],
        manifest={"log_sinks": [{"type": "shelf", "path": str(place / "records")} for place in places]},
        files={
            "steps.py": "def good(df):\n    return df\n\ndef bad(df):\n    raise ValueError('boom')\n",
            "in.json": "[]",
        },
    )
    return root, places


def test_diff_of_two_runs_that_did_the_same(odibi, shop):
    before, after = run_project(shop), run_project(shop)

    answer = odibi("runs", "diff", cwd=shop)

    assert (answer.code, answer.stderr) == (0, "")
    first, second, _, *rest = answer.stdout.splitlines()
    assert first.startswith(f"before  {before.run_id}  SUCCESS  began 20")
    assert second.startswith(f"after   {after.run_id}  SUCCESS  began 20")
    assert rest[-1] == "3 transformations without a difference."


def test_diff_shows_rows(odibi, shop):
    before = run_project(shop)
    (shop / "landing" / "orders.json").write_text('[{"n": 1}]')
    after = run_project(shop)

    document = odibi("runs", "diff", before.run_id, after.run_id, "--json", cwd=shop).json
    text = odibi("runs", "diff", before.run_id[:22], cwd=shop).stdout

    assert [(one["transformation_id"], one["changes"]["rows_written"]) for one in document["transformations"]] == [
        ("ingest", [3, 1]),
        ("clean", [3, 1]),
        ("report", [3, 1]),
    ]
    assert (document["same"], document["only_before"], document["only_after"]) == (0, [], [])
    assert (document["before"]["run_id"], document["after"]["run_id"]) == (before.run_id, after.run_id)
    assert next(line.split() for line in text.splitlines() if line.startswith("report")) == [
        "report",
        "rows",
        "read",
        "3",
        "1",
    ]


def test_diff_names_what_only_one_run_began_and_what_failed(odibi, broken_shop):
    run_project(broken_shop, raise_on_failure=False)
    run_project(broken_shop, selected=["works"])

    document = odibi("runs", "diff", "--json", cwd=broken_shop).json
    text = odibi("runs", "diff", cwd=broken_shop).stdout

    assert document["changes"]["status"] == ["FAILED", "SUCCESS"]
    assert document["changes"]["planned"] == [3, 1]
    assert document["only_before"] == ["fails", "waits"]
    assert ["fails", "ran"] in [line.split() for line in text.splitlines()]
    assert ["run", "status", "FAILED", "SUCCESS"] in [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("seconds", "is_change"),
    [
        pytest.param((1.0, 1.4), False, id="a little slower"),
        pytest.param((1.0, 1.6), True, id="half as long again"),
        pytest.param((9.0, 3.0), True, id="much faster"),
        pytest.param((0.01, 0.09), False, id="too short to tell"),
        pytest.param((None, 3.0), False, id="not known"),
    ],
)
def test_diff_of_durations(seconds, is_change):
    class Index:
        def transformations(self, run_id):
            columns = ("layer", "step", "status", "engine", "module", "function", "attempts", "error")
            row = dict.fromkeys(columns, "x") | {"rows_read": 1, "rows_written": 1, "transformation_id": "t"}
            return [row | {"duration_seconds": seconds[int(run_id)]}]

    class Row:
        def __init__(self, run_id):
            self.run_id = run_id

        def to_dict(self):
            names = ("project", "env", "status", "engine", "layers", "planned", "kernel_version", "error")
            return dict.fromkeys(names) | {"duration_seconds": None, "plugins": {}}

    found = compare_runs(Index(), before=Row("0"), after=Row("1"))

    changes = [{"duration_seconds": list(seconds)}] if is_change else []
    assert [one["changes"] for one in found["transformations"]] == changes
    assert found["same"] == 1 - is_change


def test_diff_needs_two_runs_that_are_there(odibi, shop):
    nothing = odibi("runs", "diff", cwd=shop)
    run = run_project(shop)
    one = odibi("runs", "diff", cwd=shop)
    unknown = odibi("runs", "diff", run.run_id, "nonsense", cwd=shop)

    assert (nothing.code, one.code, unknown.code) == (2, 2, 2)
    assert "There are 0 run(s)" in nothing.stderr
    assert "There are 1 run(s)" in one.stderr
    assert "Run 'nonsense' not found" in unknown.stderr


def test_deliver_hands_over_what_a_sink_lacks_and_says_how_much(odibi, shelved):
    root, (one, two) = shelved
    one.mkdir()
    result = run_project(root, raise_on_failure=False)
    assert [error.sink for error in result.sink_errors] == ["shelf"]

    failed = odibi("runs", "deliver", cwd=root)
    two.mkdir()
    delivered = odibi("runs", "deliver", "--json", cwd=root)
    again = odibi("runs", "deliver", cwd=root)

    assert failed.code == 1
    assert f"error  shelf ({two / 'records'}): The log sink 'shelf' lacks records of earlier runs" in failed.stdout
    assert delivered.code == 0
    assert [(one["name"], one["records"], one["error"]) for one in delivered.json] == [
        ("shelf", 0, None),
        ("shelf", 4, None),
    ]
    assert again.stdout.splitlines()[1] == f"ok     shelf ({two / 'records'}): has everything"
    assert (one / "records").read_text() == (two / "records").read_text()


def test_deliver_names_what_is_owed_to_a_log_sink_whose_place_was_changed(odibi, shelved):
    """A path that was mistyped was promised the records; under the right one they would never be missed."""
    root, (one, two) = shelved
    one.mkdir()
    run_project(root, raise_on_failure=False)
    manifest = json.loads((root / "manifest.json").read_text())
    right = {**manifest, "log_sinks": [manifest["log_sinks"][0], {"type": "shelf", "path": str(one / "right")}]}
    (root / "manifest.json").write_text(json.dumps(right))

    told, document = odibi("runs", "deliver", cwd=root), odibi("runs", "deliver", "--json", cwd=root)
    (root / "manifest.json").write_text(json.dumps(manifest))
    two.mkdir()
    odibi("runs", "deliver", cwd=root)
    (root / "manifest.json").write_text(json.dumps(right))
    after = odibi("runs", "deliver", cwd=root)

    said = " ".join(told.stdout.split())
    assert "Another run is owed to a log sink that the manifest does not name" in said
    assert f"shelf ({two / 'records'})" in said
    assert (told.code, document.code, len(document.json)) == (0, 0, 2)
    assert "owed" not in after.stdout
    assert (one / "records").read_text() == (two / "records").read_text()


def test_deliver_closes_what_a_killed_run_left_open(odibi, shelved):
    root, places = shelved
    for place in places:
        place.mkdir()
    run_project(root, raise_on_failure=False)
    (journal,) = root.glob(".odibi/runs/*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    is_running = next(number for number, line in enumerate(lines) if b'"RUNNING"' in line)
    journal.write_bytes(b"".join(lines[: is_running + 1]))
    journal.with_suffix(".open").touch()
    for place in places:
        (place / "records").unlink()
    for lock in root.glob(".odibi/delivery/*/lock"):
        (lock.parent / f"{journal.stem}.json").write_text('{"seq": 0, "offset": 0, "intent": null}')

    answer = odibi("runs", "deliver", cwd=root)

    assert (answer.code, answer.stderr) == (0, "")
    statuses = [json.loads(line)["status"] for line in (places[0] / "records").read_text().splitlines()]
    assert statuses == ["RUNNING", "ABORTED"]


def test_deliver_claims_nothing_about_runs_that_it_cannot_read(odibi, shelved):
    root, places = shelved
    for place in places:
        place.mkdir()
    run_project(root, raise_on_failure=False)
    folder = root / ".odibi" / "runs"
    folder.rename(folder.with_name("elsewhere"))
    folder.touch()

    text, document = odibi("runs", "deliver", cwd=root), odibi("runs", "deliver", "--json", cwd=root)

    assert (text.code, document.code) == (1, 1)
    assert "lacks nothing of the runs that can be read" in text.stdout
    assert "everything" not in text.stdout
    assert str(folder) in text.stderr
    assert document.json["error"]["type"] == "RunLogError"


def test_deliver_claims_nothing_about_a_run_that_is_going_on(odibi, shelved):
    """That one delivers for itself, and at this moment its sink may lack a batch."""
    root, places = shelved
    for place in places:
        place.mkdir()
    run_project(root, raise_on_failure=False)
    living = Journal.create(
        root / ".odibi", run_id=new_run_id(), project="Shop", env="qat", engine="rows", layers=[], plugins={}
    )

    meanwhile = odibi("runs", "deliver", cwd=root)
    living.close("SUCCESS", duration_seconds=0.1)
    afterwards = odibi("runs", "deliver", cwd=root)

    assert [line.rpartition(": ")[2] for line in meanwhile.stdout.splitlines()] == [
        "lacks nothing of the runs that are over"
    ] * 2
    assert [line.rpartition(": ")[2] for line in afterwards.stdout.splitlines()] == ["has everything"] * 2


def test_deliver_without_log_sinks_says_so(odibi, shop):
    answer = odibi("runs", "deliver", cwd=shop)
    assert (answer.code, answer.stdout) == (0, "The manifest of Shop names no log sink.\n")


def test_status_and_failed_can_ask_a_log_sink(odibi, shelved):
    root, (one, _) = shelved
    manifest = json.loads((root / "manifest.json").read_text())
    manifest["log_sinks"] = manifest["log_sinks"][:1]
    (root / "manifest.json").write_text(json.dumps(manifest))
    one.mkdir()
    run_project(root, raise_on_failure=False)

    status = odibi("status", "--source", "shelf", "--json", cwd=root)
    failed = odibi("failed", "--source", "shelf", "--json", cwd=root)
    text = odibi("status", "--source", "shelf", cwd=root)
    unknown = odibi("failed", "--source", "shlf", cwd=root)

    assert status.json == odibi("status", "--json", cwd=root).json | {"newest_run": None}
    assert failed.json == odibi("failed", "--json", cwd=root).json
    assert text.stdout.endswith("2 executions: 1 succeeded, 1 failed (50.0%)\n")
    assert unknown.code == 2
    assert "Did you mean 'shelf'?" in unknown.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("status",), id="status"),
        pytest.param(("failed",), id="failed"),
        pytest.param(("runs", "list"), id="runs list"),
        pytest.param(("runs", "show"), id="runs show"),
        pytest.param(("runs", "diff"), id="runs diff"),
    ],
)
def test_a_run_log_that_cannot_be_read_is_exit_2_and_no_answer(odibi, shop, words):
    """A-94."""
    run_project(shop)
    (journal,) = shop.glob(".odibi/runs/*.jsonl")
    journal.write_bytes(journal.read_bytes().replace(b'"seq":1', b'"sec":1'))

    text = odibi(*words, cwd=shop)
    document = odibi(*words, "--json", cwd=shop)

    assert (text.code, document.code, text.stdout) == (2, 2, "")
    assert f"Error: The journal {journal} is damaged" in text.stderr
    assert document.json["error"]["type"] == "RunLogError"


def test_a_log_sink_that_cannot_be_read_is_exit_2(odibi, shelved):
    root, _ = shelved
    manifest = json.loads((root / "manifest.json").read_text())
    manifest["log_sinks"] = manifest["log_sinks"][:1]
    (root / "manifest.json").write_text(json.dumps(manifest))

    answer = odibi("failed", "--source", "shelf", cwd=root)

    assert answer.code == 2
    assert "The log sink ShelfSink cannot be read: FileNotFoundError" in answer.stderr
    assert not RunIndex(root / ".odibi").has_runs
