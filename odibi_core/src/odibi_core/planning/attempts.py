"""How often a transformation is tried and how long it may take: the manifest's word, the layer's, the row's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odibi_core.errors import ConfigError

if TYPE_CHECKING:
    from odibi_core.project import ProjectManifest

__all__ = ["AttemptRules", "attempt_rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRules:
    """What holds for each attempt at a transformation.

    The defaults are three attempts with pauses of about two and four seconds, and only after errors that are transient:
    a wire that was cut is often back by then, and nothing else gets better by itself.

    Args:
        attempts: All attempts together.
        delay: Seconds before the second attempt.
        backoff: By what the pause grows from attempt to attempt.
        max_delay: Seconds, the longest pause.
        jitter: Seconds, what chance may add to a pause.
        errors: Names of errors that are transient besides those that always are.
        timeout: Seconds that an attempt may take before it saves; None means as long as it likes.
    """

    attempts: int = 3
    delay: float = 2.0
    backoff: float = 2.0
    max_delay: float = 60.0
    jitter: float = 0.5
    errors: tuple[str, ...] = ()
    timeout: float | None = None


def attempt_rules(*, constants: Mapping[str, Any], layer: str, manifest: ProjectManifest) -> AttemptRules:
    """Return the rules of a row: its own word, key by key, then its layer's, then the manifest's.

    Args:
        constants: The row's constants; ``retry`` and ``timeout`` are the row's own word.
        layer: The row's layer.
        manifest: The manifest.

    Raises:
        ConfigError: The row's own word makes no sense.
    """
    config = manifest.layers.get(layer)
    levels = [manifest.retry, config.retry if config else None, _retry_of(constants)]
    merged: dict[str, Any] = {}
    for level in levels:
        if level is not None:
            merged.update(level.model_dump(exclude_none=True))
    merged["errors"] = tuple(merged.get("errors", ()))
    timeouts = (_timeout_of(constants), config.timeout if config else None, manifest.timeout)
    return AttemptRules(**merged, timeout=next((timeout for timeout in timeouts if timeout is not None), None))


def _retry_of(constants: Mapping[str, Any]) -> Any:
    from odibi_core.project import RetryConfig, checked_options

    if constants.get("retry") is None:
        return None
    if not isinstance(constants["retry"], Mapping):
        raise ConfigError("constants.retry must be a mapping such as {attempts: 5, delay: 10}.")
    return checked_options(constants["retry"], model=RetryConfig, what="constants.retry")


def _timeout_of(constants: Mapping[str, Any]) -> float | None:
    timeout = constants.get("timeout")
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
        raise ConfigError(f"constants.timeout is {timeout!r}; it must be a number of seconds above 0.")
    return float(timeout)
