"""What a connection says about reaching a store, in Hadoop's words.

A connection speaks as fsspec does, so that the same one serves every engine. What is said goes along with one read or
one write, never into the session, where other transformations would see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from odibi_core.plugin import ConfigError

__all__ = ["reachable"]

_S3A = "fs.s3a."
_S3 = {
    "key": "access.key",
    "username": "access.key",
    "secret": "secret.key",
    "password": "secret.key",
    "token": "session.token",
    "endpoint_url": "endpoint",
    "region_name": "endpoint.region",
    "use_ssl": "connection.ssl.enabled",
}
_PROVIDERS = "org.apache.hadoop.fs.s3a."
_AZURE_HOST = "dfs.core.windows.net"
_ACCOUNT = re.compile(r"^[^@/]+@([^./]+)\.")


def reachable(location: str, storage_options: Mapping[str, Any], *, subject: str) -> tuple[str, dict[str, str]]:
    """Return a location and options with which Spark reaches it.

    Args:
        location: A URI, with a scheme of fsspec or of Hadoop.
        storage_options: What the connection says, as fsspec understands it; names that begin with ``fs.`` are
            Hadoop's own and are passed on.
        subject: What is read or written, for messages.

    Raises:
        ConfigError: An option has no counterpart; names it, without its value.

    Example:
        >>> reachable("s3://lake/a.csv", {"key": "K", "secret": "S"}, subject="a")
        ('s3a://lake/a.csv', {'fs.s3a.access.key': 'K', 'fs.s3a.secret.key': 'S'})
    """
    scheme, _, rest = location.partition(":/")
    own = {name: _text(value) for name, value in storage_options.items() if name.startswith("fs.")}
    others = {name: value for name, value in storage_options.items() if name not in own and value is not None}
    translate = _STORES.get(scheme.lower())
    if translate is None:
        if others:
            raise ConfigError(_unknown(others, subject))
        return location, own
    uri, options = translate(rest, others, subject)
    return uri, {**options, **own}


def _s3(rest: str, given: Mapping[str, Any], subject: str) -> tuple[str, dict[str, str]]:
    flat = {**given, **(given.get("client_kwargs") or {})}
    flat.pop("client_kwargs", None)
    is_anonymous = bool(flat.pop("anon", False))
    if unknown := flat.keys() - _S3.keys():
        raise ConfigError(_unknown(unknown, subject))
    options = {f"{_S3A}{_S3[name]}": _text(value) for name, value in flat.items()}
    if is_anonymous:
        options[f"{_S3A}aws.credentials.provider"] = f"{_PROVIDERS}AnonymousAWSCredentialsProvider"
    elif f"{_S3A}session.token" in options:
        options[f"{_S3A}aws.credentials.provider"] = f"{_PROVIDERS}TemporaryAWSCredentialsProvider"
    if f"{_S3A}endpoint" in options:
        # A store that is not Amazon's seldom has a host name for each bucket.
        options[f"{_S3A}path.style.access"] = "true"
    return f"s3a:/{rest}", options


def _azure(rest: str, given: Mapping[str, Any], subject: str) -> tuple[str, dict[str, str]]:
    flat = dict(given)
    path = rest.lstrip("/")
    account = flat.pop("account_name", None)
    in_location = _ACCOUNT.match(path)
    if in_location is None and account is not None:
        container, _, path = path.partition("/")
        path = f"{container}@{account}.{_AZURE_HOST}/{path}"
    host = urlsplit(f"abfss://{path}").hostname or ""
    options: dict[str, str] = {}
    if (key := flat.pop("account_key", None)) is not None:
        options[f"fs.azure.account.key.{host}"] = _text(key)
    if (token := flat.pop("sas_token", None)) is not None:
        options[f"fs.azure.account.auth.type.{host}"] = "SAS"
        options[f"fs.azure.sas.fixed.token.{host}"] = _text(token)
    if {"tenant_id", "client_id", "client_secret"} <= flat.keys():
        tenant = flat.pop("tenant_id")
        oauth = "fs.azure.account.oauth"
        options |= {
            f"fs.azure.account.auth.type.{host}": "OAuth",
            f"{oauth}.provider.type.{host}": "org.apache.hadoop.fs.azurebfs.oauth2.ClientCredsTokenProvider",
            f"{oauth}2.client.id.{host}": _text(flat.pop("client_id")),
            f"{oauth}2.client.secret.{host}": _text(flat.pop("client_secret")),
            f"{oauth}2.client.endpoint.{host}": f"https://login.microsoftonline.com/{tenant}/oauth2/token",
        }
    if flat:
        raise ConfigError(_unknown(flat, subject))
    return f"abfss://{path}", options


_STORES: dict[str, Callable[[str, Mapping[str, Any], str], tuple[str, dict[str, str]]]] = {
    "abfs": _azure,
    "abfss": _azure,
    "s3": _s3,
    "s3a": _s3,
    "s3n": _s3,
}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unknown(names: Any, subject: str) -> str:
    listed = ", ".join(sorted(map(repr, names)))
    return (
        f"{subject}: the connection says {listed}, which Spark cannot be told for such a location. Give Hadoop's own "
        "option, such as fs.s3a.endpoint, in the connection, or set it in engines.spark.conf as spark.hadoop.fs...."
    )
