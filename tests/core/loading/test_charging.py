"""What the run hooks of plugins take is told, and nothing else about them changes."""

from __future__ import annotations

import pytest

from odibi_core.plugin import ProjectTask, hookimpl


class Bill:
    """Keeps what was charged: whose and what was raised, and the seconds."""

    def __init__(self):
        self.items = []
        self.seconds = {}

    def __call__(self, record, seconds, error):
        self.items.append((record.name, error))
        self.seconds[record.name] = seconds


@pytest.fixture
def bill():
    return Bill()


def task(work=lambda: "done"):
    return ProjectTask(run_id="r", project="P", env="q", engine="e", layers=(), transformation_ids=(), _execute=work)


def run(manager, plugin_of, bill, *hooks, work=lambda: "done"):
    for number, hook in enumerate(hooks):
        manager.register(plugin_of(hook), name=f"p{number}")
    return manager.freeze().run_project(task(work), charge=bill)


@hookimpl(wrapper=True)
def odibi_run_project(task):
    return (yield)


PASSES = odibi_run_project


def test_wrapper_is_charged_with_what_it_takes_itself(manager, plugin_of, bill, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("odibi_core.loading.charging._clock", lambda: now[0])

    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        now[0] += 2
        result = yield
        now[0] += 3
        return result + "!"

    def work():
        now[0] += 100
        return "done"

    assert run(manager, plugin_of, bill, odibi_run_project, work=work) == "done!"
    assert bill.items == [("p0", None)]
    assert bill.seconds == {"p0": 5.0}


def test_error_that_passes_through_is_nobodys_and_its_own_is_its_own(manager, plugin_of, bill):
    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        try:
            return (yield)
        except ValueError as error:
            raise KeyError("worse") from error

    def work():
        raise ValueError("inner")

    with pytest.raises(KeyError, match="worse") as caught:
        run(manager, plugin_of, bill, odibi_run_project, PASSES, work=work)

    assert isinstance(caught.value.__cause__, ValueError)
    assert {(name, type(error)) for name, error in bill.items} == {("p0", KeyError), ("p1", type(None))}


def test_wrapper_may_turn_an_error_into_a_result(manager, plugin_of, bill):
    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        try:
            yield
        except ValueError:
            return "saved"

    def work():
        raise ValueError("inner")

    assert run(manager, plugin_of, bill, odibi_run_project, work=work) == "saved"
    assert bill.items == [("p0", None)]


def test_answer_is_charged_and_so_is_its_error(manager, plugin_of, bill):
    @hookimpl
    def odibi_run_project(task):
        raise OSError("down")

    with pytest.raises(OSError, match="down") as caught:
        run(manager, plugin_of, bill, odibi_run_project)
    assert bill.items == [("p0", caught.value)]


def test_wrapper_that_raises_before_it_yields_is_charged(manager, plugin_of, bill):
    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        raise OSError("down")
        yield

    with pytest.raises(OSError, match="down"):
        run(manager, plugin_of, bill, odibi_run_project)
    assert [(name, type(error)) for name, error in bill.items] == [("p0", OSError)]


@pytest.mark.parametrize("charge", [True, False], ids=["charged", "not charged"])
@pytest.mark.parametrize("yields", [0, 2], ids=["never", "twice"])
def test_wrapper_that_yields_wrongly_is_refused_as_ever(yields, charge, manager, plugin_of, bill):
    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        for _ in range(yields):
            yield

    with pytest.raises(RuntimeError, match="did not yield" if yields == 0 else "second yield"):
        run(manager, plugin_of, bill if charge else None, odibi_run_project)


def test_interrupt_reaches_the_wrapper_and_the_caller(manager, plugin_of, bill):
    seen = []

    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        try:
            return (yield)
        except KeyboardInterrupt:
            seen.append("interrupted")
            raise

    def work():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(manager, plugin_of, bill, odibi_run_project, work=work)
    assert seen == ["interrupted"]


def test_kernel_is_not_charged(manager, plugin_of, bill):
    assert run(manager, plugin_of, bill) == "done"
    assert run(manager, plugin_of, bill) == "done"
    assert bill.items == []


def test_nobody_is_charged_where_nobody_asks(manager, plugin_of):
    assert run(manager, plugin_of, None, PASSES) == "done"
