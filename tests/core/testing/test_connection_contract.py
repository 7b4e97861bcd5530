"""Connections to places that are no folders, which no plugin of this checkout has."""

from __future__ import annotations

import posixpath
from urllib.parse import quote

import pytest

from odibi_core.plugin import ConfigError
from odibi_core.testing import ConfigStoreContract, ConnectionContract
from odibi_core.testing.contracts.connections import _HOSTILE


class Bucket:
    """A store whose locations are URLs."""

    def __init__(self, *, quoted=False, checks=True):
        self._quoted = quoted
        self._checks = checks

    def locate(self, path):
        inner = posixpath.normpath(f"/{path}") if self._checks else f"/{path}"
        is_inside = not path.startswith("/") and "://" not in path and "\0" not in path and ".." not in path
        if self._checks and not (is_inside and "%" not in path):
            raise ConfigError(f"{path!r} would leave the bucket")
        return f"s3://acme-lake/raw{quote(inner, safe='/*') if self._quoted else inner}"


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("path", ["sales/2024.csv", "landing/*.csv", "y=2024/m=01/part 1.parquet"])
def test_locations_may_be_urls_quoted_or_not(path, quoted):
    ConnectionContract().test_a_path_is_located_below_the_root(Bucket(quoted=quoted), path)


@pytest.mark.parametrize("path", _HOSTILE.values(), ids=list(_HOSTILE))
def test_a_bucket_that_checks_is_accepted(path):
    ConnectionContract().test_a_hostile_path_does_not_leave_the_root(Bucket(), path)


@pytest.mark.parametrize("name", ["parent", "up and down", "quoted dots", "quoted slash", "nul"])
def test_a_bucket_that_does_not_check_is_refused(name):
    with pytest.raises(pytest.fail.Exception, match="outside of 's3://acme-lake/raw'"):
        ConnectionContract().test_a_hostile_path_does_not_leave_the_root(Bucket(checks=False), _HOSTILE[name])


def test_an_error_that_is_not_the_kernels_is_refused():
    class Raises(Bucket):
        def locate(self, path):
            if path.startswith("/"):
                raise KeyError(path)
            return super().locate(path)

    with pytest.raises(pytest.fail.Exception, match=r"raises KeyError.*\n.*ConfigError"):
        ConnectionContract().test_a_hostile_path_does_not_leave_the_root(Raises(), "/etc/passwd")


def test_a_config_store_contract_of_one_environment_proves_nothing():
    class One(ConfigStoreContract):
        project = "Shop"
        expected_rows = {"qat": [{"transformation_id": "a"}]}

    with pytest.raises(pytest.fail.Exception, match="`expected_rows` has 1 environments"):
        One().test_two_environments_are_expected()
