"""The table: made, completed, or refused."""

import pytest
from sqlalchemy.exc import IntegrityError

from odibi_core.plugin import RECORD_COLUMNS, RunLogError

V2 = (
    "transformation_id varchar(200), project varchar(200), plant varchar(200), asset varchar(200), start_time {time}, "
    "end_time {time}, status varchar(50), duration_seconds float, error_message {text}, env varchar(50)"
)


def columns_of(url, table="runs"):
    import sqlalchemy

    engine = sqlalchemy.create_engine(
        url.replace("postgresql:", "postgresql+psycopg:").replace("mariadb:", "mariadb+pymysql:")
    )
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        found = [column["name"] for column in inspector.get_columns(table)]
        unique = [index["column_names"] for index in inspector.get_indexes(table) if index["unique"]]
    engine.dispose()
    return found, unique


@pytest.fixture
def v2_table(database_url, query):
    """A table as v2 made it, with a row that v2 wrote."""
    is_maria = database_url.startswith("mariadb")
    types = {"time": "datetime" if is_maria else "timestamp", "text": "longtext" if is_maria else "text"}
    query(database_url, f"CREATE TABLE runs ({V2.format(**types)})")
    query(
        database_url,
        "INSERT INTO runs (transformation_id, project, start_time, status) VALUES ('old', 'Flights', '2020-01-02 03:04:05', 'SUCCESS')",
    )
    return database_url


def test_a_new_table_has_every_column_in_order_and_a_unique_key(sql_sink, database_url, record):
    """A-39: it is made where it is missing."""
    sql_sink(database_url, "runs").write([record(1)])
    assert columns_of(database_url) == (list(RECORD_COLUMNS), [["run_id", "seq"]])


def test_a_table_of_v2_gets_the_columns_that_it_lacks(sql_sink, v2_table, record, query):
    sink = sql_sink(v2_table, "runs")
    sink.write([record(1), record(1), record(2)])
    names, unique = columns_of(v2_table)
    assert names == list(RECORD_COLUMNS)
    assert unique == [["run_id", "seq"]]
    assert sink.last_seq("r1") == 2
    assert query(v2_table, "SELECT transformation_id, run_id FROM runs ORDER BY seq IS NOT NULL, seq") == [
        ("old", None),
        ("t1", "r1"),
        ("t2", "r1"),
    ]


def test_a_table_of_v2_can_be_read_before_and_after(sql_sink, v2_table, record):
    sink = sql_sink(v2_table, "runs")
    (old,) = sink.read_records(project="flights")
    assert old["start_time"].isoformat() == "2020-01-02T03:04:05+00:00"
    assert old["run_id"] is None
    assert sink.last_seq("r1") == 0
    sink.write([record(1)])
    assert sorted(found["transformation_id"] for found in sink.read_records()) == ["old", "t1"]


@pytest.mark.parametrize("missing", ["end_time", "run_id"])
def test_a_column_that_somebody_dropped_is_added_again(sql_sink, postgresql_url, record, query, missing):
    sql_sink(postgresql_url, "runs").write([record(1)])
    query(postgresql_url, f"ALTER TABLE runs DROP COLUMN {missing}")
    sink = sql_sink(postgresql_url, "runs")
    sink.write([record(2)])
    assert set(columns_of(postgresql_url)[0]) == set(RECORD_COLUMNS)
    assert sink.last_seq("r1") == 2


def test_a_column_that_is_dropped_while_the_sink_is_open_is_added_by_the_next_attempt(
    sql_sink, database_url, record, query
):
    sink = sql_sink(database_url, "runs")
    sink.write([record(1)])
    query(database_url, "ALTER TABLE runs DROP COLUMN plugin_versions")
    with pytest.raises(RunLogError, match="plugin_versions") as caught:
        sink.write([record(2)])
    assert "Check that the server runs" not in str(caught.value)
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


def test_a_table_that_is_dropped_while_the_sink_is_open_is_made_by_the_next_attempt(
    sql_sink, database_url, record, query
):
    sink = sql_sink(database_url, "runs")
    sink.write([record(1)])
    query(database_url, "DROP TABLE runs")
    with pytest.raises(RunLogError, match="cannot write to the table 'runs'"):
        sink.write([record(2)])
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


@pytest.mark.parametrize("name", ["runs", "r" * 63])
def test_a_table_that_was_renamed_to_put_it_aside_does_not_keep_a_new_one_from_being_made(
    sql_sink, database_url, record, query, name
):
    """The index of the old table goes with it, and where names of indexes are unique in a database it keeps its name."""
    sink = sql_sink(database_url, name)
    for year in (2024, 2025):
        sink.write([record(1), record(2)])
        query(database_url, f"ALTER TABLE {name} RENAME TO runs_{year}")
        with pytest.raises(RunLogError, match=f"cannot write to the table '{name}'"):
            sink.write([record(1)])
    sink.write([record(1)])
    sink.write([record(1)])

    assert query(database_url, f"SELECT count(*) FROM {name}") == [(1,)]
    with pytest.raises(IntegrityError):
        query(database_url, f"INSERT INTO {name} (run_id, seq) VALUES ('r1', 1)")


def test_columns_that_somebody_added_are_left_alone(sql_sink, database_url, record, query):
    sql_sink(database_url, "runs").write([record(1)])
    query(database_url, "ALTER TABLE runs ADD COLUMN remark varchar(20)")
    sink = sql_sink(database_url, "runs")
    sink.write([record(2)])
    assert query(database_url, "SELECT seq, remark FROM runs ORDER BY seq") == [(1, None), (2, None)]


def test_a_number_that_the_table_gives_its_rows_is_no_hindrance(sql_sink, database_url, record, query):
    kind = database_url.partition(":")[0]
    number = {
        "sqlite": "integer not null primary key",
        "postgresql": "serial primary key",
        "mariadb": "int auto_increment primary key",
    }
    time, text = ("datetime", "longtext") if kind == "mariadb" else ("timestamp", "text")
    query(database_url, f"CREATE TABLE runs (id {number[kind]}, {V2.format(time=time, text=text)})")
    sql_sink(database_url, "runs").write([record(1)])
    assert query(database_url, "SELECT id, seq FROM runs") == [(1, 1)]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            "id integer, name varchar(10), status varchar(10)",
            "it has the columns id, name, status, and not transformation_id, project, start_time",
        ),
        (
            "transformation_id varchar(9), project varchar(9), start_time varchar(40), status varchar(9), owner varchar(9) not null",
            "it wants a value in owner",
        ),
    ],
    ids=["another table", "a column that needs a value"],
)
def test_a_table_that_is_something_else_is_refused_and_not_touched(
    sql_sink, database_url, record, query, columns, words
):
    query(database_url, f"CREATE TABLE runs ({columns})")
    before = columns_of(database_url)
    sink = sql_sink(database_url, "runs")
    for attempt in (lambda: sink.write([record(1)]), lambda: list(sink.read_records())):
        with pytest.raises(RunLogError) as caught:
            attempt()
        assert f"The table 'runs' is no run log: {words}" in str(caught.value)
        assert "Give the log sink another table_name, or rename that table." in str(caught.value)
    assert columns_of(database_url) == before


def test_duplicates_that_keep_the_key_from_being_unique_are_named(sql_sink, database_url, record, query):
    time, text = ("datetime(6)", "longtext") if database_url.startswith("mariadb") else ("timestamp", "text")
    query(database_url, f"CREATE TABLE runs ({V2.format(time=time, text=text)}, run_id varchar(50), seq bigint)")
    for _ in range(2):
        query(database_url, "INSERT INTO runs (transformation_id, run_id, seq) VALUES ('t', 'r9', 1)")
    with pytest.raises(RunLogError, match=r"(?i)cannot write to the table 'runs'.*(unique|duplicate)"):
        sql_sink(database_url, "runs").write([record(1)])


def test_a_schema_is_made_once_and_used_by_others(sql_sink, postgresql_url, record, query):
    for table in ("a", "b"):
        sql_sink(postgresql_url, table, "Run Log").write([record(1)])
    assert query(postgresql_url, 'SELECT seq FROM "Run Log".a UNION ALL SELECT seq FROM "Run Log".b') == [(1,), (1,)]


def test_sqlite_has_no_schemas_and_takes_no_notice_of_one(sql_sink, tmp_path, record, query):
    """One manifest serves SQLite on a laptop and PostgreSQL in production."""
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    sql_sink(url, "runs", "config_driven").write([record(1)])
    assert query(url, "SELECT seq FROM runs") == [(1,)]


def test_a_user_who_may_only_insert_and_select_is_enough_for_a_complete_table(sql_sink, postgresql_url, record, query):
    sql_sink(postgresql_url, "runs", "log").write([record(1)])
    query(postgresql_url, "DROP ROLE IF EXISTS writer")
    query(postgresql_url, "CREATE ROLE writer LOGIN")
    query(postgresql_url, "GRANT USAGE ON SCHEMA log TO writer")
    query(postgresql_url, "GRANT INSERT, SELECT ON log.runs TO writer")
    sink = sql_sink(postgresql_url.replace("odibi@", "writer@"), "runs", "log")
    sink.write([record(seq) for seq in range(1, 100)])
    assert sink.last_seq("r1") == 99


def test_a_user_who_may_not_make_the_table_is_told(sql_sink, postgresql_url, record, query):
    query(postgresql_url, "DROP ROLE IF EXISTS reader")
    query(postgresql_url, "CREATE ROLE reader LOGIN")
    query(postgresql_url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    sink = sql_sink(postgresql_url.replace("odibi@", "reader@"), "runs")
    with pytest.raises(RunLogError, match=r"permission denied for schema public.*the user's rights"):
        sink.write([record(1)])
