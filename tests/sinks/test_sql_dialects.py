"""Databases that cannot be had here: what is sent to them, word by word."""

import re
import subprocess
import sys

import pytest
from sqlalchemy import make_url
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from odibi_core.plugin import RECORD_COLUMNS
from odibi_sinks.sql.dialects import dialect_for, insert_if_new
from odibi_sinks.sql.failures import is_race
from odibi_sinks.sql.tables import AddColumn, make_table
from odibi_sinks.sql.urls import read_place


@pytest.fixture
def text_of():
    """Compiles a statement for a dialect, without line breaks."""

    def compile_for(statement, dialect):
        return re.sub(r"\s+", " ", str(statement.compile(dialect=dialect))).strip()

    return compile_for


class TestSqlServer:
    @pytest.fixture
    def dialect(self):
        from sqlalchemy.dialects.mssql.pyodbc import dialect

        return dialect(paramstyle="qmark")

    @pytest.fixture
    def table(self):
        return make_table(dialect_for("mssql"), name="Run]Log", schema="my.schema")

    def test_the_table_has_times_with_zones_and_texts_of_any_length(self, table, dialect, text_of):
        """A-39."""
        text = text_of(CreateTable(table), dialect)
        assert text.startswith(
            "CREATE TABLE [my.schema].[Run]]Log] ( transformation_id NVARCHAR(max) NULL, project NVARCHAR(max) NULL,"
        )
        assert "start_time DATETIMEOFFSET(6) NULL, end_time DATETIMEOFFSET(6) NULL," in text
        assert "run_id NVARCHAR(255) COLLATE Latin1_General_100_BIN2 NULL, seq BIGINT NULL," in text
        assert "duration_seconds DOUBLE PRECISION NULL" in text
        assert "[function] NVARCHAR(max) NULL" in text
        assert text.count(" NULL") == len(RECORD_COLUMNS)

    def test_rows_without_a_key_do_not_count_as_equal(self, table, dialect, text_of):
        (index,) = table.indexes
        assert text_of(CreateIndex(index), dialect) == (
            "CREATE UNIQUE INDEX [ix_Run]]Log_run_id_seq] ON [my.schema].[Run]]Log] (run_id, seq) "
            "WHERE run_id IS NOT NULL AND seq IS NOT NULL"
        )

    def test_schema_and_missing_columns_are_added_in_its_own_words(self, table, dialect, text_of):
        assert text_of(CreateSchema(table.schema), dialect) == "CREATE SCHEMA [my.schema]"
        assert (
            text_of(AddColumn(table.c.function), dialect)
            == "ALTER TABLE [my.schema].[Run]]Log] ADD [function] NVARCHAR(max) NULL"
        )

    def test_a_row_that_is_there_is_left_alone(self, table, dialect, text_of):
        text = text_of(insert_if_new(table), dialect)
        assert text.startswith("INSERT INTO [my.schema].[Run]]Log] (transformation_id, project,")
        assert "SELECT CAST(? AS NVARCHAR(max)) AS transformation_id," in text
        assert "CAST(? AS DATETIMEOFFSET(6)) AS start_time" in text
        assert re.search(r"WHERE NOT \(EXISTS \(SELECT \* FROM .* WHERE .*\.run_id = \? AND .*\.seq = \?\)\)$", text)
        assert insert_if_new(table).compile(dialect=dialect).positiontup == [*RECORD_COLUMNS, "run_id", "seq"]

    def test_connecting_and_statements_have_a_time_limit(self):
        place = read_place("SERVER=db")
        assert dialect_for("mssql").engine_options(place, 20.0) == {"connect_args": {"timeout": 20}}

        class Connection:
            timeout = 0

        connection = Connection()
        dialect_for("mssql").on_connect(connection, 20.0)
        assert connection.timeout == 20


class TestMariaDb:
    @pytest.fixture(params=["mariadb+pymysql", "mysql+pymysql"])
    def dialect(self, request):
        return make_url(f"{request.param}://h/d").get_dialect()()

    @pytest.fixture
    def table(self):
        return make_table(dialect_for("mysql"), name="Run`Log", schema="my schema")

    def test_the_table_holds_every_character_in_a_transactional_engine(self, table, dialect, text_of):
        text = text_of(CreateTable(table), dialect)
        assert text.startswith("CREATE TABLE `my schema`.`Run``Log` ( transformation_id LONGTEXT, project LONGTEXT,")
        assert "start_time DATETIME(6)" in text
        assert "run_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, seq BIGINT" in text
        assert "ENGINE=InnoDB" in text
        assert "CHARSET=utf8mb4" in text

    def test_other_errors_than_duplicates_stay_errors(self, table, dialect, text_of):
        from odibi_sinks.sql.dialects import mysql_insert

        text = text_of(mysql_insert(table), dialect)
        assert "IGNORE" not in text
        assert text.endswith("ON DUPLICATE KEY UPDATE run_id = run_id")


class TestDatabricks:
    @pytest.fixture
    def dialect(self):
        pytest.importorskip("databricks.sqlalchemy", reason="databricks-sqlalchemy is not installed")
        return make_url("databricks://token:x@h?http_path=/a&catalog=c&schema=s").get_dialect()()

    @pytest.fixture
    def table(self):
        return make_table(dialect_for("databricks"), name="Run`Log", schema="log")

    def test_the_table_is_a_delta_table_without_indexes(self, table, dialect, text_of):
        text = text_of(CreateTable(table), dialect)
        assert text.startswith("CREATE TABLE `log`.`Run``Log` ( transformation_id STRING, project STRING,")
        assert "start_time TIMESTAMP, end_time TIMESTAMP," in text
        assert "duration_seconds DOUBLE" in text
        assert "run_id STRING, seq BIGINT" in text
        assert "USING DELTA" in text
        assert not table.indexes
        assert (
            text_of(AddColumn(table.c.end_time), dialect)
            == "ALTER TABLE `log`.`Run``Log` ADD COLUMN end_time TIMESTAMP"
        )

    def test_a_batch_is_one_statement_with_one_parameter(self, table, dialect):
        from odibi_sinks.sql.databricks import insert_document

        compiled = insert_document(table).compile(dialect=dialect)
        ready = compiled._process_parameters_for_postcompile(compiled.construct_params({"records": "[]"}))
        text = re.sub(r"\s+", " ", ready.statement)
        assert text.startswith("INSERT INTO `log`.`Run``Log` (transformation_id, project,")
        assert "CAST(records.start_time AS TIMESTAMP) AS start_time" in text
        assert "FROM inline(from_json(:`records`, 'ARRAY<STRUCT<transformation_id: STRING, project: STRING," in text
        assert "run_id: STRING, seq: BIGINT" in text
        assert text.endswith(
            "WHERE NOT (EXISTS (SELECT * FROM `log`.`Run``Log` "
            "WHERE `log`.`Run``Log`.run_id = records.run_id AND `log`.`Run``Log`.seq = records.seq))"
        )
        assert text.count(":`") == 1

    def test_the_document_of_a_batch_holds_every_row(self, table):
        import json

        from odibi_sinks.sql.rows import to_columns

        class Connection:
            def execute(self, statement, parameters):
                self.given = parameters

        connection = Connection()
        profile = dialect_for("databricks")
        columns = to_columns(
            [{"transformation_id": "é'\n", "seq": 1, "start_time": "2026-01-01T00:00:00Z"}, {"seq": 2}],
            to_times=profile.to_times,
        )
        profile.writer(table, None)(connection, columns)
        first, second = json.loads(connection.given["records"])
        assert (first["transformation_id"], first["start_time"]) == ("é'\n", "2026-01-01T00:00:00.000000+00:00")
        assert second == {**dict.fromkeys(RECORD_COLUMNS), "seq": 2}

    def test_connecting_does_not_go_on_for_a_quarter_of_an_hour(self):
        place = read_place("databricks://token:x@h?http_path=/a")
        assert dialect_for("databricks").engine_options(place, 20.0) == {
            "connect_args": {"_socket_timeout": 20.0, "_retry_stop_after_attempts_duration": 20.0}
        }


def test_a_database_that_is_not_known_is_written_to_by_the_standards_means(text_of):
    from sqlalchemy.dialects.oracle import dialect

    table = make_table(dialect_for("oracle"), name="runs", schema=None)
    assert "start_time CLOB" in text_of(CreateTable(table), dialect())
    assert "WHERE NOT (EXISTS (SELECT" in text_of(insert_if_new(table), dialect())
    assert text_of(AddColumn(table.c.seq), dialect()) == 'ALTER TABLE "runs" ADD seq NUMBER(19)'


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (Exception(1213, "Deadlock found"), True),
        (Exception("40001", "[Microsoft] was deadlocked"), True),
        (type("UniqueViolation", (Exception,), {})("duplicate key"), True),
        (type("DeadlockDetected", (Exception,), {"sqlstate": "40P01"})("deadlock"), True),
        (Exception(1366, "Incorrect string value"), False),
        (Exception("database is locked"), False),
        (type("AdminShutdown", (Exception,), {"sqlstate": "57P01"})("terminating"), False),
    ],
)
def test_only_what_another_writer_caused_is_tried_again_at_once(error, is_one):
    assert is_race(error) is is_one


def test_a_sink_imports_nothing_of_the_databases_that_it_does_not_write_to():
    code = """
import sys
from odibi_sinks import SQLTableLogSink
SQLTableLogSink("sqlite://").write([{"run_id": "r1", "seq": 1}])
print(*sorted(name.removeprefix("sqlalchemy.dialects.") for name in sys.modules if name.startswith("sqlalchemy.dialects.")))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name.partition(".")[0] for name in found} == {"_typing", "sqlite"}
