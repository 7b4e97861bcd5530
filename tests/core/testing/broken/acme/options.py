"""Options of every part."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class EngineOptions(_Options):
    threads: int = 1


class ReadOptions(_Options):
    memory_map: bool = False


class SaveOptions(_Options):
    compression: str | None = None


class SinkOptions(_Options):
    path: Path
    token: str = Field(default="", repr=False)

    @field_validator("path")
    @classmethod
    def _below_the_project(cls, path: Path, info: ValidationInfo) -> Path:
        return Path((info.context or {}).get("project_root", ".")) / path


class ConnectionOptions(_Options):
    path: str
    token: str = Field(repr=False)


class StoreOptions(_Options):
    path: Path
    password: str = Field(default="", repr=False)
