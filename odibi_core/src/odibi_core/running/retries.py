"""When a failed attempt is followed by another: only after errors that were declared transient."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from odibi_core.errors import ConfigError, TransformationTimeoutError, TransientError
from odibi_core.events import is_verdict

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from odibi_core.planning import AttemptRules, PlannedTransformation
    from odibi_core.running.engines import EngineRoom

__all__ = ["ALWAYS_TRANSIENT", "RetryPolicies", "RetryPolicy"]

T = TypeVar("T")

ALWAYS_TRANSIENT: Final[tuple[type[BaseException], ...]] = (TransientError, TimeoutError, ConnectionError)
"""What is transient in every project: somebody said so, or a wire was cut or slow."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a transformation is tried again, and after which pauses.

    Args:
        rules: What the plan says.
        errors: Classes that are transient besides `ALWAYS_TRANSIENT`.
    """

    rules: AttemptRules
    errors: tuple[type[BaseException], ...] = ()

    def is_transient(self, error: BaseException) -> bool:
        """Return whether trying again after this error may help."""
        if isinstance(error, TransformationTimeoutError):
            # What was given up may still be running; a second one beside it would be worse than a failure.
            return False
        if is_verdict(error):
            return False
        return isinstance(error, (*ALWAYS_TRANSIENT, *self.errors))

    def try_again(
        self,
        attempt: Callable[[], T],
        *,
        after: Exception,
        before_pause: Callable[[int, float, BaseException], None],
        cancelled: threading.Event,
    ) -> T:
        """Make the remaining attempts after a first one that failed.

        Args:
            attempt: Makes one attempt.
            after: What the first attempt raised.
            before_pause: Called with the number of the attempt that failed, the seconds until the next, and the error.
            cancelled: Cuts a pause short when it is set.

        Returns:
            What the first attempt to succeed returned.

        Raises:
            Exception: What the last attempt raised.
        """
        if self.rules.attempts <= 1 or not self.is_transient(after):
            raise after
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random
        from tenacity.nap import sleep_using_event

        first: list[Exception] = [after]

        def next_attempt() -> T:
            if first:
                raise first.pop()
            return attempt()

        def note(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            pause = state.next_action.sleep if state.next_action else 0.0
            before_pause(state.attempt_number, pause, error or after)

        pauses = wait_exponential(multiplier=self.rules.delay, exp_base=self.rules.backoff, max=self.rules.max_delay)
        return Retrying(
            stop=stop_after_attempt(self.rules.attempts),
            wait=pauses + wait_random(0, self.rules.jitter),
            retry=retry_if_exception(self.is_transient),
            before_sleep=note,
            sleep=sleep_using_event(cancelled),
            reraise=True,
        )(next_attempt)


class RetryPolicies:
    """The policies of a plan's transformations; transformations with the same rules share one.

    Args:
        engines: The engines, opened; their specs name errors that are transient.
    """

    def __init__(self, engines: EngineRoom) -> None:
        self._engines = engines
        self._known: dict[tuple[AttemptRules, tuple[str, ...]], RetryPolicy] = {}

    def of(self, planned: PlannedTransformation) -> RetryPolicy:
        """Return the policy of a transformation.

        Raises:
            ConfigError: Its rules name an error that cannot be found.
        """
        engines = dict.fromkeys((planned.engine, planned.function_engine))
        key = (planned.rules, tuple(engines))
        if key not in self._known:
            own = tuple(_error_class(name) for name in planned.rules.errors)
            theirs = [error for name in engines for error in self._engines.transient_errors(name)]
            self._known[key] = RetryPolicy(planned.rules, (*own, *theirs))
        return self._known[key]


def _error_class(name: str) -> type[BaseException]:
    from odibi_core.loading import resolve_reference

    try:
        found = resolve_reference(name) if ":" in name else getattr(builtins, name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"retry.errors names {name!r}, which cannot be found. "
            "Write a builtin such as 'OSError', or 'package.module:Error'."
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise ConfigError(f"retry.errors names {name!r}, which is no class of errors.")
    return found
