"""What a run is asked to do: where, on what, and how much of the project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

__all__ = ["RunRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a caller asked for, in values that the run log can keep, so that another run can go on with it.

    Args:
        env: The environment; None means the manifest's.
        engine: The engine for rows that do not name one.
        target_layers: The layers; None means all.
        layer_order: The layers that there are, in their order; None means the manifest's.
        selected: Selector expressions; None means everything.
    """

    env: str | None = None
    engine: str | None = None
    target_layers: tuple[str, ...] | None = None
    layer_order: tuple[str, ...] | None = None
    selected: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        *,
        env: str | None,
        engine: object,
        target_layers: Iterable[str] | None,
        layer_order: Iterable[str] | None,
        selected: Iterable[str] | None,
    ) -> RunRequest:
        """Return the request that the arguments of `run_project` make.

        Example:
            >>> RunRequest.of(env=None, engine=None, target_layers="Gold", layer_order=None, selected=["a"]).selected
            ('a',)
        """
        return cls(
            env=env,
            engine=None if engine is None else str(getattr(engine, "value", engine)),
            target_layers=_texts(target_layers),
            layer_order=_texts(layer_order),
            selected=_texts(selected),
        )

    @property
    def is_for_all(self) -> bool:
        """Whether everything is asked for that the project has."""
        return self.target_layers is None and self.layer_order is None and self.selected is None

    def going_on_with(self, earlier: Mapping[str, Any], *, env: str) -> RunRequest:
        """Return what an earlier run was asked for, but for what this request says itself.

        What selects belongs together: if this request selects anything, nothing of the earlier selection holds.

        Args:
            earlier: The earlier request, as the run log has it.
            env: The environment of the earlier run.
        """
        theirs = self.from_dict(earlier)
        engine = self.engine or theirs.engine
        return replace(theirs if self.is_for_all else self, env=env, engine=engine)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunRequest:
        """Return a request as `to_dict` wrote it; what an older version did not write is None."""
        names = ("target_layers", "layer_order", "selected")
        texts = {name: _texts(data.get(name)) for name in names}
        return cls(env=data.get("env"), engine=data.get("engine"), **texts)

    def to_dict(self) -> dict[str, Any]:
        """Return the request as JSON-ready data."""
        return asdict(self)


def _texts(value: Iterable[str] | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)
