"""The parts of the pages for authors that are made from the code: signatures of hooks, fields of specs, protocols.

A page has a comment where such a part belongs, and `filled` puts in what the code says today::

    <!-- hook: odibi_register_readers -->
    <!-- end -->
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from typing import Final

from odibi_core import plugin, testing
from odibi_core.plugin import EVENT_ALIASES, EVENT_TYPES, hookspecs
from odibi_core.plugin.events import Event, TransformationEvent
from odibi_core.testing.data.tables import AWKWARD

__all__ = ["filled", "signature"]

_PART: Final = re.compile(
    r"(<!-- (?P<kind>hook|spec|protocol|events|contracts|words): ?(?P<name>\w*) -->\n).*?(<!-- end -->)", re.DOTALL
)


def filled(page: str) -> str:
    """Return a page with every part that is made from the code as the code has it today.

    Args:
        page: The page.
    """
    makers: dict[str, Callable[[str], str]] = {
        "hook": _hook,
        "spec": _spec,
        "protocol": _protocol,
        "events": lambda _name: _events(),
        "contracts": lambda _name: _contracts(),
        "words": lambda _name: _words(),
    }
    return _PART.sub(lambda part: f"{part[1]}{makers[part['kind']](part['name'])}\n{part[4]}", page)


def signature(hook: str) -> str:
    """Return the signature of a hook, as one writes it.

    Args:
        hook: The hook's name.

    Example:
        >>> signature("odibi_configure")
        'odibi_configure(config: ProjectConfig) -> None'
    """
    text = str(inspect.signature(getattr(hookspecs, hook)))
    return f"{hook}{text}".replace("'", "").replace("events.", "")


def _hook(name: str) -> str:
    return f"```pyi\ndef {signature(name)}: ...\n```"


def _spec(name: str) -> str:
    class_ = getattr(plugin, name)
    meanings = _arguments(class_)
    rows = [f"| `{field.name}` | {_default(field)} | {meanings[field.name]} |" for field in fields(class_)]
    return "\n".join([f"| field of `{name}` | default | meaning |", "|---|---|---|", *rows])


def _default(field: Field[object]) -> str:
    if field.default is not MISSING:
        return f"`{field.default!r}`"
    return "required" if field.default_factory is MISSING else f"`{field.default_factory()!r}`"


def _protocol(name: str) -> str:
    rows = []
    for method, function in vars(getattr(plugin, name)).items():
        if method.startswith("_") or not (inspect.isfunction(function) or isinstance(function, property)):
            continue
        is_property = isinstance(function, property)
        text = method if is_property else f"{method}{_plain(function)}"
        first = inspect.cleandoc((function.__doc__ or "").strip()).partition("\n\n")[0]
        rows.append(f"| `{text}` | {' '.join(first.split())} |")
    return "\n".join([f"| method of `{name}` | what it does |", "|---|---|", *rows])


def _plain(function: Callable[..., object]) -> str:
    found = inspect.signature(function)
    # The slash that keeps names out of the contract is noise on a page; a bar would end the cell of the table.
    text = str(found.replace(parameters=list(found.parameters.values())[1:])).replace("'", "")
    return text.replace(", /", "").replace("|", "\\|")


def _events() -> str:
    common = {field.name for field in fields(Event)} | {field.name for field in fields(TransformationEvent)}
    lines = ["| hook | event | when | its own fields |", "|---|---|---|---|"]
    for name in [name for name in hookspecs.__all__ if name.removeprefix("odibi_") in {*EVENT_TYPES, *EVENT_ALIASES}]:
        event = name.removeprefix("odibi_")
        class_ = EVENT_TYPES[EVENT_ALIASES.get(event, event)]
        own = ", ".join(f"`{field.name}`" for field in fields(class_) if field.name not in common)
        when = " ".join((inspect.getdoc(getattr(hookspecs, name)) or "").split("\n\n")[:2]).replace("\n", " ")
        lines.append(f"| `{signature(name)}` | `{class_.__name__}` | {_until_return(when)} | {own} |")
    return "\n".join(lines)


def _contracts() -> str:
    lines = ["| contract | what it is about | attributes beside `plugin` and `gaps` |", "|---|---|---|"]
    for name in testing.__all__:
        class_ = getattr(testing, name)
        if name != "Contract":
            first = (inspect.getdoc(class_) or "").partition("\n")[0]
            own = sorted({key for base in class_.__mro__ for key in vars(base).get("__annotations__", ())} - _OF_ALL)
            lines.append(f"| `{name}` | {first} | {', '.join(f'`{key}`' for key in own if key[0] != '_')} |")
    return "\n".join(lines)


_OF_ALL: Final = {"plugin", "gaps"}


def _words() -> str:
    lines = ["| word | columns of its table |", "|---|---|"]
    for word, make in AWKWARD.items():
        table = make()
        columns = [f"`{field.name}`: {field.type}" for field in table.schema if field.name != "id"]
        many = f"{len(columns)} columns with names that hurt" if word == "names" else ", ".join(columns)
        lines.append(f"| `{word}` | {many or 'only `id`'}; {table.num_rows} rows |")
    return "\n".join(lines)


def _until_return(text: str) -> str:
    return text.partition(" The return value is ignored")[0]


def _arguments(class_: type) -> dict[str, str]:
    section = (inspect.getdoc(class_) or "").partition("Args:\n")[2].partition("\n\n")[0]
    return dict(_entries(inspect.cleandoc(section)))


def _entries(section: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"\n(?=\w+: )", section):
        name, _, meaning = entry.partition(": ")
        yield name, " ".join(meaning.split()).replace("|", "\\|")
