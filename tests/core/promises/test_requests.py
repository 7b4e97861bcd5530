"""What the kernel promises about the request for a run: its keywords, its log, its dry run, and who logs in for it."""

from __future__ import annotations

import inspect
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core import HookManager, plan_project, run_project
from odibi_core.errors import ConfigError, ProjectNotFoundError, SelectionError, ValidationFailed

STEPS = """
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def talk(context):
        for number in range(20):
            context.logger.info("talking", number=number)
            context.logger.error("shouting", number=number)
"""
FILES = {"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'}
INGESTION = [{"ingestion_id": "in", "source_path": "landing/in.json", "target_table": "bronze.in"}]


def row(id_, layer="Silver", function="good", **more):
    given = {"transformation_id": id_, "layer": layer, "function": function, **more}
    if function == "good":
        given = {"inputs": ["landing/in.json"], "outputs": [f"{layer.lower()}.{id_}"], **given}
    return given


def statuses(result):
    return {one.transformation_id: one.status for one in result.transformations}


V2_KEYWORDS = {
    *("project", "env", "target_layers", "cache_plan", "manifest_path", "log_level", "save_logs", "auth_provider"),
    *("engine", "hooks", "log_sink", "repo_path", "layer_order", "max_workers"),
}


def test_a42_run_project_has_v2s_keywords_and_every_one_may_be_left_out():
    """A-42."""
    parameters = inspect.signature(run_project).parameters

    assert set(parameters) >= V2_KEYWORDS
    assert list(parameters)[:2] == ["project", "env"]
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        pytest.param({"project": "Shopp"}, ProjectNotFoundError, "Project 'Shopp' not found", id="project"),
        pytest.param(
            {"target_layers": ["Silver", "Glod"]}, SelectionError, "Layer 'Glod'.*Did you mean 'Gold'", id="layer"
        ),
        pytest.param({"env": "prd"}, SelectionError, "Environment 'prd'.*Did you mean 'prod'", id="environment"),
        pytest.param(
            {"manifest_path": "no/manifest.json"},
            ProjectNotFoundError,
            "There is no manifest no/manifest.json",
            id="manifest",
        ),
        pytest.param({"layer_order": ["Silver", "Glod"]}, SelectionError, "Layer 'Glod'", id="layer_order"),
        pytest.param({"selected": ["tt"]}, SelectionError, "No transformation 'tt'", id="selection"),
        pytest.param({"log_level": "LOUD"}, ConfigError, "log_level: 'LOUD' is no log level", id="log_level"),
    ],
)
def test_a45_what_does_not_exist_is_an_error_before_anything_runs(
    make_project, manager, monkeypatch, request_, error, message
):
    """A-45, D-04, D-05: v2 returned SUCCESS."""
    root = make_project([row("t")], files=FILES)
    monkeypatch.chdir(root)
    asked = []

    with pytest.raises(error, match=message):
        run_project(manager=manager, auth_provider=lambda **given: asked.append(given), **request_)

    assert asked == []
    assert sorted(path.name for path in root.iterdir() if path.name != "__pycache__") == [
        "config",
        "landing",
        "manifest.json",
        "steps.py",
    ]


def test_a52_level_holds_from_the_first_layer_to_the_end_and_no_longer(make_project, manager, caplog):
    """A-52, D-08: v2 fell silent after the first layer."""
    root = make_project([row("s", function="talk"), row("g", "Gold", function="talk")], files=FILES)

    run_project(root, manager=manager, log_level="INFO")
    lines = [record.odibi for record in caplog.records]
    caplog.clear()
    run_project(root, manager=manager)

    said = Counter((line["event"], line.get("layer")) for line in lines)
    for layer in ("Bronze", "Silver", "Gold"):
        assert said["layer started", layer] == said["layer ended", layer] == 1
    assert said["run ended", None] == 1
    assert Counter(line["transformation_id"] for line in lines if line["event"] == "talking") == {"s": 20, "g": 20}
    assert {record.odibi["event"] for record in caplog.records} == {"shouting"}


def test_a52_runs_at_the_same_time_keep_their_own_levels_and_values(make_project, manager, tmp_path, caplog):
    """A-52: two projects in two threads, each with two workers."""
    roots = {}
    for name in ("Loud", "Quiet"):
        root = make_project([row(f"{name}{n}", function="talk") for n in range(4)], files=FILES, name=name)
        roots[name] = root.rename(tmp_path / name)
    barrier = threading.Barrier(2, timeout=20)
    hooks = HookManager()
    hooks.register("layer_start", lambda _: barrier.wait(), {"layer": "Silver"})

    def run(name):
        level = {"Loud": "INFO", "Quiet": "CRITICAL"}[name]
        return run_project(roots[name], manager=manager, hooks=hooks, log_level=level, max_workers=2)

    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(roots, pool.map(run, roots), strict=True))

    lines = [record.odibi for record in caplog.records]
    assert {(line["project"], line["run_id"]) for line in lines} == {("Loud", results["Loud"].run_id)}
    talking = Counter(line["transformation_id"] for line in lines if line["event"] == "talking")
    assert talking == {f"Loud{number}": 20 for number in range(4)}


def test_a53_saved_logs_are_lines_of_json_in_a_file_that_an_event_names(make_project, manager, caplog):
    """A-53, D-09: v2 said that it had saved them, and had not."""
    root = make_project([row("t", function="talk"), row("u")], files=FILES)
    hooks, events = HookManager(), []
    hooks.register("logs_persisted", events.append, {"sink": "log_file"})

    result = run_project(root, manager=manager, hooks=hooks, save_logs=True)

    path = root / f".odibi/logs/{result.run_id}.log"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(event["path"], event["records"]) for event in events] == [(str(path), len(lines))]
    assert (lines[0]["event"], lines[-1]["event"]) == ("run started", "run ended")
    assert {(line["run_id"], line["project"]) for line in lines} == {(result.run_id, "Shop")}
    ended = {line["transformation_id"]: line["status"] for line in lines if line["event"] == "transformation ended"}
    assert ended == {"t": "SUCCESS", "u": "SUCCESS"}
    assert sum(line["event"] == "talking" for line in lines) == 20
    assert "talking" not in caplog.text


def test_a53_secret_in_an_error_is_masked_in_the_saved_log(make_project, manager):
    """A-53."""
    functions = "def leak(df):\n    raise ValueError('no route to postgresql://etl:hunter2@db')\n"
    root = make_project([row("t", function="leak", inputs=["landing/in.json"])], files={**FILES, "steps.py": functions})

    result = run_project(root, manager=manager, save_logs=True, raise_on_failure=False)

    text = (root / f".odibi/logs/{result.run_id}.log").read_text(encoding="utf-8")
    assert "no route to postgresql://etl:***@db" in text
    assert "hunter2" not in text


def test_a52_a53_what_a_log_sink_says_obeys_the_level_and_is_saved(make_project, manager, caplog):
    """A-52, A-53: it is said on a thread of its own."""

    class Down:
        def write(self, records):
            raise ConnectionError("no route")

    root = make_project([row("t")], files=FILES)

    result = run_project(root, manager=manager, log_sink=Down(), log_level="ERROR", save_logs=True)

    assert caplog.messages == []
    text = (root / f".odibi/logs/{result.run_id}.log").read_text(encoding="utf-8")
    assert [line["error"] for line in map(json.loads, text.splitlines()) if line["event"] == "log sink failed"] == [
        "ConnectionError: no route"
    ]


def test_a53_without_save_logs_there_is_no_file(make_project, manager):
    """A-53."""
    root = make_project([row("t")], files=FILES)

    run_project(root, manager=manager, log_level="DEBUG")

    assert not (root / ".odibi/logs").exists()


@pytest.mark.parametrize("keyword", ["layers", "dry_runn", "workers"])
def test_a54_unknown_keyword_is_refused_before_any_side_effect(make_project, manager, keyword):
    """A-54, D-11: v2 refused it after Bronze."""
    root = make_project([row("t")], ingestion=INGESTION, files=FILES)
    asked = []

    with pytest.raises(TypeError, match=keyword):
        run_project(root, manager=manager, auth_provider=asked.append, **{keyword: ["Silver"]})

    assert asked == []
    assert not (root / ".odibi").exists()


def test_a55_dry_run_finds_everything_and_runs_nothing(make_project, manager):
    """A-55."""
    root = make_project([row("t"), row("u", inputs=["landing/none.json"])], ingestion=INGESTION, files=FILES)
    hooks, seen, asked = HookManager(), [], []
    hooks.register("orchestrator_run_start", seen.append)

    result = run_project(
        root, manager=manager, dry_run=True, hooks=hooks, auth_provider=lambda **given: asked.append(given)
    )

    assert (result.status, result["transformation_count"], result.run_id) == ("PLANNED", 3, "")
    assert set(statuses(result).values()) == {"PLANNED"}
    assert result.warnings == ("u: input 'landing/none.json' is not there yet",)
    assert (seen, asked) == ([], [])
    assert not (root / ".odibi").exists()
    assert not (root / "data").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"module": "stepss"}, "There is no module 'stepss'"),
        ({"function": "goood", "inputs": [], "outputs": []}, "has no function 'goood'"),
        ({"inputs": ["a.b", "c.d"]}, "takes 1 input at most"),
        ({"outputs": [{"table": "x", "format": "nonsense"}]}, "No saver for format 'nonsense'"),
    ],
    ids=str,
)
def test_a55_dry_run_tells_what_a_run_would(make_project, manager, wrong, message):
    """A-55."""
    root = make_project([row("t", **wrong)], files=FILES)

    with pytest.raises(ValidationFailed, match=message):
        run_project(root, manager=manager, dry_run=True)


def test_a56_auth_provider_is_asked_once_by_keyword_and_before_anything_runs(make_project, manager, monkeypatch):
    """A-56, U-05, U-09: the project is found by its name from repo_path."""
    root = make_project([row("a"), row("b", "Gold")], files=FILES, name="Energy Efficiency")
    repo = root.parent / "repo"
    (repo / "projects").mkdir(parents=True)
    root.rename(repo / "projects/energy_efficiency")
    order = []

    def auth_provider(*, env, repo_path, logger_metadata):
        order.append((env, repo_path, logger_metadata))
        return {"spark": "session", "sql_provider": "provider"}

    hooks = HookManager()
    hooks.register("orchestrator_run_start", lambda payload: order.append(payload["event"]))

    result = run_project(
        "Energy Efficiency", "prod", repo_path=repo, auth_provider=auth_provider, hooks=hooks, manager=manager
    )

    metadata = {"project": "Energy Efficiency", "stage": "Bootstrap"}
    assert order == [("prod", str(repo), metadata), "orchestrator_run_start"]
    assert (result.project, result.env, result.layers_run) == ("Energy Efficiency", "prod", ("Silver", "Gold"))


def test_a56_auth_provider_is_told_the_projects_folder_if_nobody_says(make_project, manager):
    """A-56."""
    root, told = make_project([row("a")], files=FILES), []

    run_project(root, manager=manager, auth_provider=lambda **given: told.append(given) or {})

    assert told[0]["repo_path"] == str(root)


@pytest.mark.parametrize("returned", [None, ("spark", "sql"), "session"], ids=repr)
def test_a56_auth_provider_that_returns_no_mapping_is_told_so(make_project, manager, returned):
    """A-56."""
    root = make_project([row("a")], files=FILES)

    with pytest.raises(ConfigError, match=r"auth_provider returned .*\. It must return a mapping"):
        run_project(root, manager=manager, auth_provider=lambda **_: returned)

    assert not (root / "data").exists()


def test_a56_what_auth_provider_raises_reaches_the_caller(make_project, manager):
    """A-56."""
    root = make_project([row("a")], files=FILES)

    def auth_provider(**_):
        raise PermissionError("login expired")

    with pytest.raises(PermissionError, match="login expired"):
        run_project(root, manager=manager, auth_provider=auth_provider)


def test_a56_without_an_auth_provider_a_new_project_runs_as_it_is(tmp_path, monkeypatch):
    """A-56, D-06: v2 could not run without one."""
    from odibi_core import initialize_project

    monkeypatch.chdir(tmp_path)
    initialize_project("P")

    assert run_project("P", "qat").status == "SUCCESS"


def test_plan_has_the_same_choices_as_a_run(make_project, manager, monkeypatch):
    root = make_project([row("s"), row("g", "Gold")], files=FILES)

    plan = plan_project("project", repo_path=root.parent, layer_order=["Gold", "Silver"], manager=manager)

    assert plan.layers == ("Gold", "Silver")
