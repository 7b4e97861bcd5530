"""The manifest's ``engines.spark``."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from odibi_engine_spark.options import SparkEngineOptions


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"master": "local[2]", "sail": True}, "master and sail exclude each other"),
        ({"master": "sc://host"}, "write it as 'remote'"),
        ({"remote": "host:15002"}, "an address like sc://host:15002"),
        ({"conf": {"spark.master": "local"}}, "engines.spark.master"),
        ({"conf": {"spark.jars": "a.jar"}}, "engines.spark.jars"),
        ({"conf": {"shuffle.partitions": 2}}, "no setting of Spark"),
        ({"connect_timeout": 0}, "greater than 0"),
        ({"masters": "local"}, "Extra inputs"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(written, words):
    with pytest.raises(ValidationError, match=words):
        SparkEngineOptions.model_validate(written)


def test_settings_are_written_as_spark_writes_them():
    conf = {"spark.sql.shuffle.partitions": 8, "spark.ui.enabled": False, "spark.sql.codegen.comments": "true"}

    options = SparkEngineOptions.model_validate({"conf": conf})

    assert options.conf == {
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
        "spark.sql.codegen.comments": "true",
    }


def test_one_jar_is_a_list_of_one():
    assert SparkEngineOptions.model_validate({"jars": "jars", "packages": "a:b:1"}).jars == ["jars"]


@pytest.mark.parametrize(
    "written",
    [
        {"remote": "sc://host/;token=s3cret", "master": "local"},
        {"conf": {"spark.hadoop.fs.azure.account.key": "s3cret", "wrong": "s3cret"}},
        {"remote": "s3cret"},
    ],
    ids=["remote", "conf", "no address"],
)
def test_no_secret_is_in_a_message(written):
    with pytest.raises(ValidationError) as caught:
        SparkEngineOptions.model_validate(written)

    assert "s3cret" not in str(caught.value)


def test_no_secret_is_in_the_repr():
    options = SparkEngineOptions.model_validate(
        {"remote": "sc://host/;token=s3cret", "conf": {"spark.hadoop.fs.azure.account.key": "s3cret"}}
    )

    assert "s3cret" not in repr(options)
