"""Secrets in messages and values are masked, and what is no secret is left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.diagnostics import MASK, describe_error, error_location, redact, redact_value


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://etl:s3cret@db:5432/dw",
        "https://etl:s3c@ret@host/path",
        "Server=db;Uid=etl;Pwd=s3cret;Encrypt=yes",
        "Pwd={s3c;ret};Encrypt=yes",
        "Pwd=s3c&ret;Encrypt=yes",
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=s3cret==;EndpointSuffix=core",
        "https://acme.blob.core.windows.net/c?sv=2024&sig=s3cret%3D&se=2026",
        "connect(user='etl', password='s3cret', port=5432)",
        "{'token': 's3cret', 'n': 1}",
        '{"client_secret": "s3cret"}',
        "Authorization: Bearer s3cret-s3cret",
        "curl -H 'X: Bearer s3cret-s3cret'",
        "password: s3cret",
        "api_key = s3cret",
        "eyJhbGciOiJIUzI1NiJ9.eyJzM2NyZXQiOjF9.s3cret",
        "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----",
        "postgresql://etl:2024#s3cret@db/dw",
        "mssql+pyodbc://etl:12/s3c'ret@db/dw",
        "https://s3cret-s3cret@github.com/acme/repo.git",
        "Pwd={a}}s3c;ret};Encrypt=yes",
        "Pwd='a''s3cret';Encrypt=yes",
        "odbc_connect=DRIVER%3D%7BX%7D%3BUID%3Detl%3BPWD%3Ds3cret%3B",
        "export DB_PASS=s3cret",
        "password   =   s3cret",
        "password => 's3cret'",
        "client_secret: s3cret",
        "refreshToken: s3cret",
        '{\\"password\\": \\"s3cret\\"}',
        "password=b's3cret'",
        "input_value='host=db password=\"s3cret and",
        "Command '['psql', '--password', 's3cret']' failed",
        "run --api-key s3cret",
        "ALTER USER etl PASSWORD 's3cret'",
        "CREATE USER etl IDENTIFIED BY 's3cret'",
        "no cluster for dapi5ec0000000000000000000000000000d",
    ],
)
def test_secret_in_text_is_masked(text):
    shown = redact(text)

    assert MASK in shown
    assert "s3c" not in shown
    assert "ret" not in shown.replace("client_secret", "").replace("Encrypt", "")
    assert "5ec" not in shown


def test_what_surrounds_a_secret_stays_readable():
    assert redact("cannot open postgresql://etl:x1@db:5432/dw (3 attempts)") == (
        "cannot open postgresql://etl:***@db:5432/dw (3 attempts)"
    )
    assert redact("AccountName=acme;AccountKey=abc;EndpointSuffix=core") == (
        "AccountName=acme;AccountKey=***;EndpointSuffix=core"
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/a@b",
        "abfss://bronze@acme.dfs.core.windows.net/raw",
        "Unexpected token: ')' at 3",
        "merge key: origin",
        "monkey=5 tokens=3",
        "column 'passwords_reset' is not there",
        "password authentication failed for user 'etl'",
        "bypass=1 compass: north",
        "columns: ['user', 'password', 'email']",
        "https://host/a?to=me@b",
        "postgresql://db:5432/dw",
        "hdfs://nn:8020/raw/a@b.csv",
        "--token-count 3",
    ],
)
def test_what_is_no_secret_is_left_alone(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    ["eyJ-" * 500_000, "pwd={ " * 200_000, "secret key " * 100_000, "x" * 10_000_000],
    ids=["web token", "brace", "key", "nothing"],
)
def test_text_of_megabytes_that_nearly_holds_secrets_is_gone_through_once(text):
    """An expression that begins anew at each of them would take hours for these."""
    assert redact(text).count(MASK) == text.count("pwd=")


def test_secret_after_megabytes_is_masked_like_any_other():
    assert redact("\0é" * 1_000_000 + " Pwd=s3cret;").endswith(f" Pwd={MASK};")


FORMS = [
    "postgresql://etl:{}@db/dw",
    "Pwd={};",
    "AccountKey={};",
    "?sig={}&x=1",
    "password='{}'",
    '{{"token": "{}"}}',
    "Authorization: Bearer {}",
    "secret = {}",
]
SECRETS = st.text(alphabet="ABCDxyz0189+-_~%^!*#.", min_size=8, max_size=40).map(lambda text: f"S3{text}")
SURROUNDINGS = st.text(alphabet="abc=:/@(){}[], \n*_-.'\"", max_size=30)


@given(SURROUNDINGS, st.lists(st.tuples(st.sampled_from(FORMS), SECRETS), min_size=1, max_size=4), SURROUNDINGS)
def test_no_secret_survives_whatever_stands_around_it(before, secrets, after):
    text = " ".join([before, *(form.format(secret) for form, secret in secrets), after])

    shown = redact(text)

    assert not [secret for _, secret in secrets if secret in shown]


@pytest.mark.parametrize(
    "hostile", ["://a:", "password=", "key='", "a", "eyJ", "Bearer ", "-----BEGIN PRIVATE KEY-----", "{pwd='"]
)
def test_long_hostile_text_does_not_take_quadratic_time(hostile):
    # 60,000 repetitions end in well under a second; quadratic behaviour would run into the suite's timeout.
    redact(hostile * 60_000)


def test_values_are_masked_by_their_name_at_any_depth():
    shown = redact_value(
        {
            "type": "azure",
            "accountKey": "s3cret",
            "DB_PASSWORD": "s3cret",
            "x-auth-token": "s3cret",
            "connection_string": "s3cret",
            "nested": [{"key": "s3cret"}, ("https://u:s3cret@h/x",)],
        }
    )

    assert "s3cret" not in str(shown)
    assert shown["type"] == "azure"


def test_numbers_dates_and_names_that_only_sound_secret_are_kept():
    when = datetime(2026, 1, 1, tzinfo=UTC)
    value = {"monkey": "a", "tokenizer": "b", "rows": 3, "ratio": 0.5, "at": when, "none": None, "password": None}

    assert redact_value(value) == value


def test_any_other_object_becomes_its_masked_text():
    assert redact_value(Path("data/x.csv")) == "data/x.csv"
    assert redact_value(ValueError("pwd=s3cret")) == "pwd=***"


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def test_error_is_described_by_type_and_masked_message():
    assert describe_error(ValueError("bad url http://u:p@host")) == "ValueError: bad url http://u:***@host"
    assert describe_error(ValueError()) == "ValueError"


def test_error_that_cannot_be_printed_is_described_all_the_same():
    assert describe_error(UnprintableError()) == "UnprintableError: <UnprintableError whose text raises RuntimeError>"


def test_location_is_the_innermost_frame_inside_the_project(tmp_path):
    module = tmp_path / "silver.py"
    module.write_text("import json\n\ndef clean(text):\n    return json.loads(text)\n")
    namespace = {}
    exec(compile(module.read_text(), str(module), "exec"), namespace)

    with pytest.raises(ValueError) as caught:
        namespace["clean"]("{")

    assert error_location(caught.value, root=tmp_path) == "silver.py:4"
    assert "json" in error_location(caught.value)


def test_location_of_a_syntax_error_is_the_line_that_is_wrong(tmp_path):
    with pytest.raises(SyntaxError) as caught:
        compile("x = 1\ny = (", str(tmp_path / "gold.py"), "exec")

    assert error_location(caught.value, root=tmp_path) == "gold.py:2"


def test_location_of_an_error_that_was_never_raised_is_not_known():
    assert error_location(ValueError("x")) is None
