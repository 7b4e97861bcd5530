"""What a function may ask for as ``context``, and which one is the current thread's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import did_you_mean
from odibi_core.functions.engines import ANY_ENGINE, Engine

if TYPE_CHECKING:
    from odibi_core.events import HookManager

__all__ = ["ExecutionContext", "clear_context", "get_current_context", "set_current_context", "use_context"]


@dataclass(init=False, repr=False, eq=False)
class ExecutionContext:
    """Where a function runs: engine, project, environment, and what else the run has for it.

    Keywords that are no field become extras, and an extra can be read like a field: ``context.plant``. Its repr names
    what is there and shows no value that could be a secret.

    Args:
        engine: The transformation's engine; ``Engine("any")`` if nothing is said.
        project: The project's name.
        env: The environment.
        spark: The engine's session, where it has one.
        sql_provider: What the caller's ``auth_provider`` returned, if there is one.
        logger: The program's log.
        hooks: The run's hooks, for ``context.hooks.emit(...)``.
        extras: In a run: ``plant``, ``asset``, ``entity_1`` to ``entity_3``, ``layer``, ``step``,
            ``transformation_id``, ``run_id``.
        more: Further extras.

    Example:
        >>> context = ExecutionContext(Engine.PANDAS, "Sales", "qat", config={"password": "s3cret"})
        >>> context.config["password"]
        's3cret'
        >>> context
        ExecutionContext(engine=Engine('pandas'), project='Sales', env='qat', with config)
    """

    engine: Engine
    project: str
    env: str
    spark: Any = None
    sql_provider: Any = None
    logger: Any = None
    hooks: HookManager | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    def __init__(  # noqa: PLR0917  # v2's context is built by position
        self,
        engine: Engine | str = ANY_ENGINE,
        project: str = "",
        env: str = "",
        spark: Any = None,
        sql_provider: Any = None,
        logger: Any = None,
        hooks: HookManager | None = None,
        extras: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        # Each transformation makes one, and `__setattr__` looks eight times for what is a field.
        self.__dict__.update(
            engine=Engine(engine),
            project=project,
            env=env,
            spark=spark,
            sql_provider=sql_provider,
            logger=logger,
            hooks=hooks,
            extras={**(extras or {}), **more},
        )

    def __getattr__(self, name: str) -> Any:
        # Asked only for what is no field. The instance's own dictionary is empty while it is being unpickled.
        extras = self.__dict__.get("extras", {})
        if name in extras:
            return extras[name]
        hint = did_you_mean(name, [*_FIELDS, *map(str, extras)])
        raise AttributeError(f"The context has neither a field nor an extra {name!r}. {hint}".rstrip())

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIELDS:
            super().__setattr__(name, value)
        else:
            self.extras[name] = value

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in ("engine", "project", "env")]
        present = [name for name in _FIELDS[3:-1] if getattr(self, name) is not None]
        rest = [*present, *sorted(map(str, self.extras))]
        return f"ExecutionContext({', '.join([*shown, *(['with ' + ', '.join(rest)] if rest else [])])})"


_FIELDS: Final = tuple(field_.name for field_ in fields(ExecutionContext))

# A context variable, not a thread-local one: it also follows asyncio tasks and contextvars.copy_context().
_current: ContextVar[ExecutionContext | None] = ContextVar("odibi_execution_context", default=None)


def set_current_context(context: ExecutionContext) -> None:
    """Make a context the current one of this thread, until `clear_context`.

    Args:
        context: What functions decorated with `with_context` will get.

    Example:
        >>> set_current_context(ExecutionContext("pandas", config={"path": "data"}))
        >>> get_current_context().config
        {'path': 'data'}
        >>> clear_context()
    """
    _current.set(context)


def get_current_context() -> ExecutionContext | None:
    """Return the current context of this thread, or None.

    Example:
        >>> get_current_context() is None
        True
    """
    return _current.get()


def clear_context() -> None:
    """Leave this thread without a current context."""
    _current.set(None)


@contextmanager
def use_context(context: ExecutionContext) -> Iterator[ExecutionContext]:
    """Make a context the current one inside the block; afterwards it is the one from before, whatever happened.

    Args:
        context: What functions decorated with `with_context` will get.

    Example:
        >>> with use_context(ExecutionContext("pandas", "Sales", "qat")):
        ...     get_current_context().project
        'Sales'
        >>> get_current_context() is None
        True
    """
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
