"""What a user writes to say where the database is: read without SQLAlchemy, and never shown with a password."""

import contextlib
import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.plugin import ConfigError, PluginError
from odibi_sinks.sql.urls import check_driver, read_place

SECRET = "s3cretPassw0rd"


@pytest.mark.parametrize(
    ("text", "url", "shown"),
    [
        ("sqlite://", "sqlite:///", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:////var/log/runs.db", "sqlite:////var/log/runs.db", "sqlite:////var/log/runs.db"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        (
            " postgresql://u@h:5432/d?sslmode=require ",
            "postgresql+psycopg://u@h:5432/d?sslmode=require",
            "postgresql+psycopg://u@h:5432/d",
        ),
        ("postgresql+psycopg2://h/d", "postgresql+psycopg2://h/d", "postgresql+psycopg2://h/d"),
        (
            "postgresql://u:p%40w@[::1]:5432/d",
            "postgresql+psycopg://u:p%40w@[::1]:5432/d",
            "postgresql+psycopg://u@[::1]:5432/d",
        ),
        (
            "postgresql:///d?host=/run/pg",
            "postgresql+psycopg:///d?host=/run/pg",
            "postgresql+psycopg:///d?host=/run/pg",
        ),
        ("MySQL://h/d", "mysql+pymysql://h/d", "mysql+pymysql://h/d"),
        ("mariadb://u:pw@h/d", "mariadb+pymysql://u:pw@h/d", "mariadb+pymysql://u@h/d"),
        ("mssql://u:pw@h/d?driver=FreeTDS", "mssql+pyodbc://u:pw@h/d?driver=FreeTDS", "mssql+pyodbc://u@h/d"),
        (
            "databricks://token:dapi1@h?http_path=/sql/1",
            "databricks://token:dapi1@h?http_path=/sql/1",
            "databricks://token@h/",
        ),
    ],
)
def test_a_url_is_completed_with_the_driver(text, url, shown):
    place = read_place(text)
    assert (place.url, place.shown) == (url, shown)


def test_sqlalchemy_reads_what_was_read():
    from sqlalchemy import make_url

    url = make_url(read_place("postgresql://us%2Fer:p%40s%3As@h.example:6432/dw?connect_timeout=3").url)
    assert (url.username, url.password, url.host, url.port, url.database) == ("us/er", "p@s:s", "h.example", 6432, "dw")
    assert dict(url.query) == {"connect_timeout": "3"}


def test_the_file_of_sqlite_is_taken_from_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_place("sqlite:///logs/runs.db").file == tmp_path / "logs" / "runs.db"
    assert read_place("sqlite:///logs/runs.db", root=tmp_path / "p").url == f"sqlite:///{tmp_path}/p/logs/runs.db"
    assert read_place("sqlite:///runs.db?timeout=3").url == f"sqlite:///{tmp_path}/runs.db?timeout=3"
    assert read_place("sqlite:///file:runs.db?mode=ro&uri=true").file is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f"DRIVER={{ODBC Driver 18 for SQL Server}};SERVER=db,1433;DATABASE=dw;UID=etl;PWD={SECRET}",
            "mssql+pyodbc://db,1433/dw",
        ),
        (
            f"driver={{SQL Server}}; server = tcp:db.example ; uid=etl; pwd={{a}}}};{SECRET}}};",
            "mssql+pyodbc://tcp:db.example/",
        ),
        (f"DSN=warehouse;PWD={SECRET}", "mssql+pyodbc://warehouse/"),
        (f"Driver=FreeTDS;Address=db;Trusted_Connection=yes;Password={SECRET}", "mssql+pyodbc://db/"),
        (
            f"mssql+pyodbc:///?odbc_connect=DRIVER%3DFreeTDS%3BSERVER%3Ddb%3BDATABASE%3Ddw%3BPWD%3D{SECRET}",
            "mssql+pyodbc://db/dw",
        ),
    ],
)
def test_an_odbc_connection_string_means_sql_server(text, shown):
    """What v2 took."""
    from sqlalchemy import make_url
    from sqlalchemy.dialects.mssql.pyodbc import dialect

    place = read_place(text)
    assert (place.dialect, place.driver, place.shown) == ("mssql", "pyodbc", shown)
    assert SECRET not in repr(place)
    assert all(SECRET in secret and SECRET not in place.mask(f"PWD={secret}") for secret in place.secrets)
    assert place.secrets
    if not text.startswith("mssql"):
        ((given,), _) = dialect().create_connect_args(make_url(place.url))
        assert given == text.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"postgresql://etl:{SECRET}@db:port/dw", "a port that is no number"),
        (f"postgresql://etl:{SECRET}", "a port that is no number"),
        (f"postgresql://etl:{SECRET}@db:99999/dw", "no number from 0 to 65535"),
        (f"postgresql://etl:{SECRET}@more@db/dw", "cannot tell where the password of its URL ends. Write @ as %40"),
        (f"postgresql://et/l:{SECRET}@db/dw", "cannot tell where the password of its URL ends"),
        (
            f"postgresq://etl:{SECRET}@db/dw",
            "begins with 'postgresq', which is no known database. Did you mean 'postgresql'?",
        ),
        (f"mangodb://etl:{SECRET}@db/dw", "no known database. Give a URL"),
        (f"//etl:{SECRET}@db/dw", "it is neither"),
        (f"9db://etl:{SECRET}@db/dw", "no scheme, or a strange one"),
        (f"postgresql+asyncpg://etl:{SECRET}@db/dw", "'asyncpg', which is asynchronous. Write postgresql+psycopg://"),
        ("sqlite+aiosqlite:///runs.db", "'aiosqlite', which is asynchronous. Write sqlite://"),
        (f"sqlite://etl:{SECRET}@db/runs.db", "SQLite names a host, and SQLite has none"),
        ("sqlite://runs.db", "three slashes before a relative path"),
        (f"databricks://token:{SECRET}@adb.example", "has no http_path"),
        (f"host=db user=etl password={SECRET} dbname=dw", "it names host, and no SERVER or DSN"),
        (f"UID=etl;PWD={SECRET}", "it names pwd, uid, and no SERVER or DSN"),
        (f"DRIVER={{PostgreSQL Unicode}};SERVER=db;PWD={SECRET}", "this one is for 'PostgreSQL Unicode'"),
        (SECRET, "it is neither"),
        ("logs/runs.db", "it is neither. Give a URL, such as sqlite:///logs/runs.db"),
        ("", "it is neither"),
    ],
)
def test_what_cannot_be_right_is_refused_without_showing_a_password(text, words):
    with pytest.raises(ConfigError) as caught:
        read_place(text)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


quoted = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=12)


@given(password=quoted, before=quoted, after=quoted)
def test_no_password_is_ever_shown(password, before, after):
    password = f"<{password}>"
    for text in (
        f"postgresql://u:{password}@h/d",
        f"postgresql://{before}:{password}@{after}",
        f"SERVER={before};PWD={password}",
    ):
        with contextlib.suppress(ConfigError):
            place = read_place(text)
            assert password not in repr(place) + place.shown
            continue
        with pytest.raises(ConfigError) as caught:
            read_place(text)
        assert password not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "missing", "line"),
    [
        (
            "sqlite://",
            "sqlalchemy",
            "needs sqlalchemy for sqlite://, which is not installed. It needs: pip install 'odibi-sinks[sql]'",
        ),
        ("postgresql://h/d", "psycopg", "pip install 'odibi-sinks[postgresql]'"),
        ("mariadb://h/d", "pymysql", "pip install 'odibi-sinks[mariadb]'"),
        ("mysql://h/d", "pymysql", "pip install 'odibi-sinks[mariadb]'"),
        ("DSN=x", "pyodbc", "pip install 'odibi-sinks[mssql]'"),
        ("databricks://t:x@h?http_path=/a", "databricks.sqlalchemy", "pip install 'odibi-sinks[databricks]'"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_what_installs_it(monkeypatch, text, missing, line):
    def find(name, _real=importlib.util.find_spec):
        if name == missing:
            return None
        return object() if name in {"pyodbc", "databricks.sqlalchemy"} else _real(name)

    monkeypatch.setattr("odibi_sinks.sql.urls.find_spec", find)
    with pytest.raises(PluginError) as caught:
        check_driver(read_place(text))
    assert line in str(caught.value)


def test_what_is_installed_is_no_error():
    for text in ("sqlite://", "postgresql://h/d", "mariadb://h/d"):
        check_driver(read_place(text))


def test_every_extra_that_a_message_names_exists_and_installs_the_module():
    import tomllib
    from pathlib import Path

    from odibi_sinks.sql.urls import _MODULES

    project = tomllib.loads((Path(__file__).resolve().parents[2] / "odibi_sinks" / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    for module, extra in _MODULES.values():
        assert any(module.partition(".")[0] in requirement for requirement in extras[extra])
        assert any("sqlalchemy" in requirement for requirement in extras[extra])


def test_catalogs_of_databricks_are_places_of_their_own():
    url = "databricks://token:dapi1@host?http_path=/sql/1&catalog={}&schema=log"
    dev, prod = (read_place(url.format(catalog)) for catalog in ("dev", "prod"))
    assert (dev.where, prod.where) == (
        "databricks://host/?catalog=dev&schema=log",
        "databricks://host/?catalog=prod&schema=log",
    )
    assert dev.shown == "databricks://token@host/?catalog=dev&schema=log"
