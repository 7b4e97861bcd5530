"""What a manifest can say about a Delta log sink."""

from __future__ import annotations

from pathlib import Path

from pydantic import (  # noqa: TID253  # this module is a pydantic model; the kernel imports it when a manifest names the sink
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

__all__ = ["DeltaSinkOptions"]


class DeltaSinkOptions(BaseModel):
    """Options of ``type: delta``.

    Validated with ``context={"project_root": folder}``, a relative path is taken from that folder; a URI is left alone.

    Example:
        >>> context = {"project_root": "/srv/p"}
        >>> DeltaSinkOptions.model_validate({"path": "logs/runs"}, context=context).path
        '/srv/p/logs/runs'
        >>> DeltaSinkOptions.model_validate({"path": "s3://logs/runs"}, context=context).path
        's3://logs/runs'
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    path: str = Field(min_length=1, description="A folder, or the URI of one in a store.")
    storage_options: dict[str, str] = Field(
        default_factory=dict, repr=False, description="What is needed to reach the store, as delta-rs understands it."
    )
    optimize_every: int = Field(
        default=200,
        ge=0,
        description="Make small files into large ones after so many commits; 0 for never. Only for folders.",
    )
    checkpoint_every: int = Field(
        default=50, ge=0, description="Sum up the table's log in a checkpoint after so many commits; 0 for never."
    )

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str, info: ValidationInfo) -> str:
        root = (info.context or {}).get("project_root")
        return path if root is None or "://" in path else str(Path(root) / path)
