"""What can be said about each sink in a manifest's ``log_sinks``, besides its ``type``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import (  # noqa: TID253  # this module is pydantic models; the kernel imports it when a manifest names a sink
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from odibi_sinks.files import format_of
from odibi_sinks.rotation import check_rotation

__all__ = ["ConsoleSinkOptions", "FileSinkOptions"]


class FileSinkOptions(BaseModel):
    """Options of ``type: file``.

    Validated with ``context={"project_root": folder}``, a relative path is taken from that folder.

    Example:
        >>> context = {"project_root": "/srv/p"}
        >>> FileSinkOptions.model_validate({"path": "logs/runs.csv"}, context=context).path.as_posix()
        '/srv/p/logs/runs.csv'
    """

    model_config = ConfigDict(extra="forbid")

    path: Path = Field(description="The file; .csv for CSV, .jsonl or .ndjson for JSON lines.")
    append: bool = Field(default=True, description="False keeps only the newest run in the file.")
    max_bytes: ByteSize | None = Field(
        default=None,
        description="How large the file may become before it is put away and a new one is begun, such as 100 MB.",
    )
    keep: int | None = Field(default=None, description="How many of the files that were put away are kept.")

    @field_validator("path")
    @classmethod
    def _checked_path(cls, path: Path, info: ValidationInfo) -> Path:
        format_of(path)
        root = (info.context or {}).get("project_root")
        return path if root is None else Path(root) / path

    @model_validator(mode="after")
    def _checked_rotation(self) -> FileSinkOptions:
        check_rotation(append=self.append, max_bytes=self.max_bytes, keep=self.keep)
        return self


class ConsoleSinkOptions(BaseModel):
    """Options of ``type: console``."""

    model_config = ConfigDict(extra="forbid")

    stream: Literal["stderr", "stdout"] = Field(default="stderr", description="Where the lines go.")
