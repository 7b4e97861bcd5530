"""The manifest's ``engines.spark``.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, field_validator, model_validator

__all__ = ["SparkEngineOptions"]

_HAVE_OPTIONS = {
    "spark.jars": "jars",
    "spark.jars.packages": "packages",
    "spark.master": "master",
    "spark.remote": "remote",
    "spark.app.name": "app_name",
}
"""Settings of Spark that are options of the engine, so that there is one place to look for each."""


class SparkEngineOptions(BaseModel):
    """Which session the engine builds if none was handed in and none is active.

    Example:
        >>> SparkEngineOptions(master="local[2]", conf={"spark.sql.shuffle.partitions": 8}).conf
        {'spark.sql.shuffle.partitions': '8'}
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)

    master: str | None = None
    """A Spark master: ``local[*]``, ``local[4]``, ``spark://host:7077``, ``yarn``, ``k8s://...``."""
    remote: str | None = Field(default=None, repr=False)
    """The address of a Spark Connect server: ``sc://host:15002/;token=...``; Databricks Connect too."""
    sail: bool = False
    """Start Sail in this process and connect to it; needs no Java."""
    conf: dict[str, str] = Field(default={}, repr=False)
    """Settings of the session, under Spark's names."""
    jars: list[str] = []
    """Jars, or folders of jars, for a session that the engine builds; paths are relative to the project's folder."""
    packages: list[str] = []
    """Maven coordinates (``group:artifact:version``) that Spark fetches when the session starts."""
    delta: bool | None = None
    """Set the session up for Delta tables; if not given, where delta-spark is installed."""
    app_name: str = "odibi"
    """The application's name in Spark's own pages."""
    connect_timeout: PositiveFloat = 60.0
    """How many seconds to wait for a master or a Spark Connect server."""
    scheduler: Literal["fair", "fifo"] = "fair"
    """How jobs of transformations that run at once share a session that the engine builds."""
    isolate: bool | None = None
    """Give each transformation a session of its own, with its own temporary views and settings, over the same Spark
    application; if not given, where the engine built the session."""
    ship_code: bool = True
    """Send the project's Python modules to the executors, unless Spark runs on this machine alone."""

    @field_validator("jars", "packages", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("conf", mode="before")
    @classmethod
    def _as_spark_writes_it(cls, conf: object) -> object:
        if not isinstance(conf, dict):
            return conf
        # Spark's own text of a truth value is lower case.
        return {
            key: str(value).lower()
            if isinstance(value, bool)
            else str(value)
            if isinstance(value, int | float)
            else value
            for key, value in conf.items()
        }

    @field_validator("conf")
    @classmethod
    def _no_second_place(cls, conf: dict[str, str]) -> dict[str, str]:
        for key in conf:
            if key in _HAVE_OPTIONS:
                raise ValueError(f"{key} has an option of its own: write engines.spark.{_HAVE_OPTIONS[key]}")
            if not key.startswith(("spark.", "hive.", "javax.")):
                raise ValueError(f"{key!r} is no setting of Spark; their names begin with 'spark.'")
        return conf

    @model_validator(mode="after")
    def _one_place(self) -> SparkEngineOptions:
        named = [name for name in ("master", "remote", "sail") if getattr(self, name)]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} exclude each other; keep one")
        if self.master and self.master.startswith("sc://"):
            raise ValueError("sc:// is the address of a Spark Connect server; write it as 'remote'")
        if self.remote is not None and not self.remote.startswith("sc://"):
            raise ValueError("a Spark Connect server has an address like sc://host:15002")
        return self
