"""How much may pass from one engine to another: ``hand_over`` in the manifest."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator  # noqa: TID253 - this module is a pydantic model

__all__ = ["HandOverConfig"]

_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?\s*", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class HandOverConfig(BaseModel):
    """How much of a frame may pass through this process's memory from one engine to another.

    Args:
        max_bytes: The bytes of one frame, as a number or as ``"512 MiB"`` or ``"2 GB"``; None lets any number pass.

    Example:
        >>> HandOverConfig().max_bytes, HandOverConfig(max_bytes="1.5 MB").max_bytes
        (1073741824, 1500000)
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, hide_input_in_errors=True)

    max_bytes: int | None = Field(
        default=1 << 30,
        ge=0,
        description="Bytes of a frame that may pass from one engine to another, such as 512 MiB; null for any number",
    )

    @field_validator("max_bytes", mode="before")
    @classmethod
    def _read_size(cls, written: object) -> object:
        if isinstance(written, bool):
            raise ValueError("max_bytes is a number of bytes, such as 1 GiB")  # noqa: TRY004 - pydantic's word for it
        if not isinstance(written, str):
            return written
        found = _SIZE.fullmatch(written)
        if found is None:
            raise ValueError("max_bytes is a number of bytes, such as 1073741824, 512 MiB or 2 GB")
        unit = (found[2] or "").lower()
        return int(float(found[1]) * (1024 if unit.endswith("i") else 1000) ** _POWERS[unit[:1]])
