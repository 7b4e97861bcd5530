"""What each flavour can do, as the sessions themselves say."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_engine_spark.flavours import Flavour

NAMES = ("job_groups", "cache", "observe", "catalog", "delta", "merge", "streaming", "python_udfs", "shares_files")
CANNOT = {"classic": set(), "connect": set(), "sail": {"job_groups", "cache", "observe"}}


def test_sheet_is_what_the_session_can_do(spark_engine):
    flavour = spark_engine.flavour

    assert {name for name in NAMES if not getattr(flavour, name)} == CANNOT[flavour.kind]
    assert flavour.version.startswith("4.")


@pytest.mark.spark
def test_a_server_that_does_not_see_our_files_is_known(connect_session, tmp_path, monkeypatch):
    # As on a disk of its own: the server looks where nothing was written.
    monkeypatch.setattr(Path, "as_uri", lambda path: f"file:///nowhere{path}")
    flavour = Flavour(kind="connect", session=connect_session, project_root=tmp_path)

    assert not flavour.shares_files
    assert not list((tmp_path / ".odibi" / "tmp").iterdir())


def test_a_session_without_delta_is_known(sail_session, tmp_path):
    from odibi_engine_spark.probes import has_delta

    assert not has_delta(sail_session, kind="connect")
    assert has_delta(sail_session, kind="sail")


@pytest.mark.spark
def test_what_costs_a_call_is_asked_once(classic_session, tmp_path, monkeypatch):
    from odibi_engine_spark import probes

    asked = []
    monkeypatch.setattr(probes, "runs_python", lambda session: asked.append(session) or True)
    flavour = Flavour(kind="classic", session=classic_session, project_root=tmp_path)

    assert (flavour.python_udfs, flavour.python_udfs) == (True, True)
    assert len(asked) == 1
