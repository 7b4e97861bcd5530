"""What goes wrong on Spark, in one line that says what and what to do."""

from __future__ import annotations

import logging

import pytest
from pyspark.errors import PySparkException

from odibi_engine_spark.errors import TransientSparkError
from odibi_engine_spark.explain import explanation, one_line


def raise_on(session):
    from pyspark.sql import functions

    def bad(value):
        raise ValueError(f"row {value} is bad")

    session.range(1).select(functions.udf(bad, "long")("id").alias("id")).collect()


def said_of(engine, action, frames=None):
    """Return what the engine says of the error that an action raises."""
    with pytest.raises(Exception) as caught:
        action(engine.session)
    said = engine.explain_error(caught.value, frames or {})
    assert said is not None
    assert "\n" not in said
    assert "JVM" not in said
    assert "SQLSTATE" not in said
    return said


def test_a_missing_column_is_named_with_its_input(spark_engine):
    frame = spark_engine.session.sql("select 1 as carrier, 2 as dep_delay")

    said = said_of(spark_engine, lambda _: frame.select("dep_dely").collect(), {"bronze.flights": frame})

    assert said == (
        "column 'dep_dely' is not in input 'bronze.flights' (columns: carrier, dep_delay). Did you mean 'dep_delay'?"
    )


def test_a_method_of_pandas_is_told_to_be_none(spark_engine):
    flights = spark_engine.session.createDataFrame([("F9", 21.9)], "carrier string, dep_delay double")

    with pytest.raises(AttributeError) as caught:
        flights.assign(late=True)

    said = spark_engine.explain_error(caught.value, {"bronze.flights": flights})
    assert said.endswith("Nor has a frame of Spark a method 'assign': a function for pandas needs a twin for Spark.")


def test_a_column_that_a_step_has_lost_is_named(spark_engine):
    said = said_of(spark_engine, lambda session: session.sql("select 1 as carrier").select("dep_delay").collect())

    assert said.startswith("column 'dep_delay' is not in the frame that was asked for it.")


def test_a_missing_table_is_named(spark_engine):
    said = said_of(spark_engine, lambda session: session.table("nowhere").collect())

    assert "nowhere" in said
    assert "check its name and schema" in said


@pytest.mark.parametrize("flavour", ["classic", "connect"])
@pytest.mark.spark
def test_a_missing_path_is_named(flavour, request):
    engine = request.getfixturevalue(f"{flavour}_engine")

    said = said_of(engine, lambda session: session.read.parquet("/nowhere/flights").collect())

    assert said == "Path does not exist: file:/nowhere/flights."


@pytest.mark.parametrize("flavour", ["classic", "connect"])
@pytest.mark.spark
def test_a_missing_jar_is_named(flavour, request):
    engine = request.getfixturevalue(f"{flavour}_engine")

    assert "engines.spark.packages" in said_of(
        engine, lambda session: session.read.format("acme").load("/tmp").collect()
    )
    assert "no data source 'avro'" in said_of(
        engine, lambda session: session.read.format("avro").load("/tmp").collect()
    )
    jdbc = {"url": "jdbc:acme://host", "dbtable": "t"}
    assert "no JDBC driver" in said_of(
        engine, lambda session: session.read.format("jdbc").options(**jdbc).load().collect()
    )


def test_what_a_function_raised_on_an_executor_is_told(spark_engine):
    said = said_of(spark_engine, raise_on)

    assert "ValueError: row 0 is bad" in said
    assert "line " in said
    assert "test_errors.py" in said


def test_a_statement_that_does_not_parse_is_told(spark_engine):
    said = said_of(spark_engine, lambda session: session.sql("selec 1").collect())

    assert "selec" in said


@pytest.mark.parametrize("flavour", ["classic", "connect"])
@pytest.mark.spark
def test_a_division_by_zero_is_told(flavour, request):
    engine = request.getfixturevalue(f"{flavour}_engine")

    said = said_of(engine, lambda session: session.sql("select id / 0 from range(1)").collect())

    assert said.startswith("Division by zero.")


@pytest.mark.spark
def test_nothing_of_the_trace_is_printed_while_an_engine_is_open(classic_engine, capfd):
    loud = logging.getLogger("DataFrameQueryContextLogger")

    said_of(classic_engine, lambda session: session.range(1).select("nowhere").collect())

    assert loud.filters
    assert capfd.readouterr().err == ""
    classic_engine.close()
    assert not loud.filters


def test_an_engine_that_is_closed_twice_leaves_others_their_silence(sail_session, make_engine):
    loud = logging.getLogger("DataFrameQueryContextLogger")
    one, other = make_engine(sail_session), make_engine(sail_session)

    one.close()
    one.close()

    assert loud.filters
    other.close()
    assert not loud.filters


def test_errors_of_others_are_left_alone(sail_engine):
    assert sail_engine.explain_error(KeyError("delay"), {}) is None


MISMATCH = (
    "An error occurred while calling o99.save.\n"
    ": java.lang.NoSuchMethodError: 'org.apache.spark.sql.catalyst.X org.apache.spark.Y.z()'\n"
    "\tat org.apache.spark.sql.delta.commands.WriteIntoDelta.run(WriteIntoDelta.scala:99)\n"
)
NO_CLASS = (
    "An error occurred while calling o99.save.\n"
    ": java.lang.NoClassDefFoundError: org/apache/spark/sql/catalyst/plans/logical/IgnoreCachedData\n"
    "\tat org.apache.spark.sql.delta.DeltaLog.x(DeltaLog.scala:1)\n"
)


@pytest.mark.parametrize("text", [MISMATCH, NO_CLASS], ids=["method", "class"])
def test_versions_that_do_not_fit_are_told(text):
    said = explanation(PySparkException(message=text), {})

    assert said is not None
    assert "versions of Delta's jars and Spark do not go together" in said
    assert "odibi doctor" in said


def test_java_names_and_states_are_left_out():
    text = "(org.apache.spark.SparkException) [SOME_THING] It failed. SQLSTATE: 42000\n\nJVM stacktrace:\norg.apache"

    assert one_line(PySparkException(message=text)) == "It failed."


@pytest.mark.parametrize(
    ("message", "is_transient"),
    [
        ("[DELTA_CONCURRENT_APPEND] Files were added to the root of the table by a concurrent update.", True),
        ("io.delta.exceptions.ConcurrentAppendException: Files were added", True),
        ("[PATH_NOT_FOUND] Path does not exist", False),
    ],
)
def test_what_may_pass_by_itself_is_tried_again(message, is_transient):
    assert isinstance(PySparkException(message=message), TransientSparkError) is is_transient


def test_errors_of_others_are_not_transient_by_their_words():
    assert not isinstance(RuntimeError("DELTA_CONCURRENT_APPEND"), TransientSparkError)
