"""Edits ``plugins.disable`` in the text of a manifest, and nothing else of it: comments and layout stay.

No library that writes YAML or TOML keeps what people wrote around the data. So the text is not written anew: a few
places where the name could go are tried, and one is taken only if what is then read is the old data with that one
change. If none is, nothing is changed, and the lines to write are told.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from odibi_core.project.documents import parse_text

__all__ = ["add_disabled", "disabled_lines", "remove_disabled"]


def add_disabled(text: str, *, suffix: str, name: str) -> str | None:
    r"""Return a manifest's text with one more name under ``plugins.disable``; None if that cannot be done safely.

    Args:
        text: The text.
        suffix: Its format, such as ``".yaml"``.
        name: What to add.

    Example:
        >>> add_disabled("project_name: P # ours\n", suffix=".yaml", name="audit")
        'project_name: P # ours\nplugins:\n  disable:\n    - "audit"\n'
    """
    wanted = _read(text, suffix)
    if not isinstance(wanted, dict):
        return None
    wanted = copy.deepcopy(wanted)
    plugins = wanted.setdefault("plugins", {})
    if not isinstance(plugins, dict) or not isinstance(plugins.setdefault("disable", []), list):
        return None
    plugins["disable"].append(name)
    return _first_right(_insertions(text, suffix, name), suffix=suffix, wanted=wanted)


def remove_disabled(text: str, *, suffix: str, name: str) -> str | None:
    r"""Return a manifest's text without a name under ``plugins.disable``; None if that cannot be done safely.

    Args:
        text: The text.
        suffix: Its format.
        name: What to remove, as it is written.

    Example:
        >>> remove_disabled('{"plugins": {"disable": ["a", "b"]}}', suffix=".json", name="b")
        '{"plugins": {"disable": ["a"]}}'
    """
    wanted = _read(text, suffix)
    disabled = _disabled(wanted)
    if disabled is None or name not in disabled:
        return None
    wanted = copy.deepcopy(wanted)
    wanted["plugins"]["disable"] = [one for one in disabled if one != name]
    while name in (_disabled(_read(text, suffix)) or ()):
        # Of a name that is there twice one is removed after the other.
        left = list(_disabled(_read(text, suffix)) or ())
        left.remove(name)
        step = copy.deepcopy(wanted)
        step["plugins"]["disable"] = left
        shorter = _first_right(_deletions(text, name), suffix=suffix, wanted=step)
        if shorter is None:
            return None
        text = shorter
    return text


def disabled_lines(suffix: str, *, name: str) -> str:
    """Return what to write in a manifest to disable a plugin, for somebody who does it by hand.

    Args:
        suffix: The manifest's format.
        name: The plugin.

    Example:
        >>> disabled_lines(".json", name="audit")
        '"plugins": {"disable": ["audit"]}'
    """
    quoted = json.dumps(name)
    match suffix.lower():
        case ".json":
            return f'"plugins": {{"disable": [{quoted}]}}'
        case ".toml":
            return f"[plugins]\ndisable = [{quoted}]"
        case _:
            return f"plugins:\n  disable:\n    - {quoted}"


def _read(text: str, suffix: str) -> Any:
    document, problems = parse_text(text, file="manifest", suffix=suffix)
    # Through text, so that what YAML's aliases share becomes two things, and a change of one is a change of one.
    return None if document is None or problems else json.loads(json.dumps(document.data))


def _disabled(data: Any) -> list[Any] | None:
    plugins = data.get("plugins") if isinstance(data, dict) else None
    disabled = plugins.get("disable") if isinstance(plugins, dict) else None
    return disabled if isinstance(disabled, list) else None


def _first_right(candidates: Iterator[str], *, suffix: str, wanted: Any) -> str | None:
    return next((text for text in candidates if _is_same(_read(text, suffix), wanted)), None)


def _is_same(found: Any, wanted: Any) -> bool:
    """Return whether data is what was wanted; of ``plugins.disable`` the order does not matter."""
    disabled, names = _disabled(found), _disabled(wanted)
    if disabled is None or names is None or sorted(map(repr, disabled)) != sorted(map(repr, names)):
        return False
    rest, wanted_rest = copy.deepcopy(found), copy.deepcopy(wanted)
    rest["plugins"]["disable"] = wanted_rest["plugins"]["disable"] = []
    # As text, since 1, 1.0 and True are equal and not the same.
    return json.dumps(rest, sort_keys=True) == json.dumps(wanted_rest, sort_keys=True)


def _insertions(text: str, suffix: str, name: str) -> Iterator[str]:
    """Yield the text with the name at each place where the list, the block or the document may take it."""
    quoted, end = json.dumps(name), "\r\n" if "\r\n" in text else "\n"
    for match in re.finditer(r"""disable["']?[ \t]*[:=]\s*\[""", text):
        for addition in (f"{quoted}, ", quoted):
            yield _inserted(text, match.end(), addition)
    for match in re.finditer(
        r"""(?m)^([ \t]*)["']?disable["']?[ \t]*:[^\n\[]*\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*([ \t]*)-[ \t]""", text
    ):
        yield _inserted(text, match.start(2), f"{match[2]}- {quoted}{end}")
    yield from _insertions_into_block(text, suffix, quoted=quoted, end=end)
    newline = "" if text.endswith("\n") else end
    if suffix.lower() == ".json":
        last = len(text[: text.rstrip().rfind("}")].rstrip())
        for comma in (",", ""):
            yield _inserted(text, last, f'{comma}{end}  "plugins": {{"disable": [{quoted}]}}')
    elif suffix.lower() == ".toml":
        yield f"{text}{newline}{end}[plugins]{end}disable = [{quoted}]{end}"
    else:
        yield f"{text}{newline}plugins:{end}  disable:{end}    - {quoted}{end}"


def _insertions_into_block(text: str, suffix: str, *, quoted: str, end: str) -> Iterator[str]:
    """Yield the text with the key ``disable`` in a ``plugins`` that is there without one."""
    colon = "=" if suffix.lower() == ".toml" else ":"
    key = '"disable"' if suffix.lower() == ".json" else "disable"
    entry = f"{key} = [{quoted}]" if colon == "=" else f"{key}: [{quoted}]"
    for match in re.finditer(r"""plugins["']?[ \t]*[:=]\s*\{""", text):
        for addition in (f"{entry}, ", entry):
            yield _inserted(text, match.end(), addition)
    for match in re.finditer(r"(?m)^[ \t]*\[[ \t]*plugins[ \t]*\][^\n]*\n", text):
        yield _inserted(text, match.end(), entry + end)
    for match in re.finditer(r"(?m)^plugins\.[^\n]*\n", text):
        yield _inserted(text, match.start(), f"plugins.{entry}{end}")
    for match in re.finditer(r"""(?m)^["']?plugins["']?[ \t]*:[^\n{]*\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*([ \t]+)\S""", text):
        yield _inserted(text, match.start(1), f"{match[1]}{entry}{end}")


def _inserted(text: str, place: int, addition: str) -> str:
    return text[:place] + addition + text[place:]


def _deletions(text: str, name: str) -> Iterator[str]:
    """Yield the text without each place where the name stands; no comment is ever part of what is left out."""
    token = f"(?:{re.escape(json.dumps(name))}|'{re.escape(name)}'|{re.escape(name)})"
    for pattern in (rf"{token}[ \t]*,\s*", rf",\s*{token}", token):
        for match in re.finditer(pattern, text):
            yield text[: match.start()] + text[match.end() :]
    for match in re.finditer(rf"(?m)^[ \t]*-[ \t]+{token}[ \t]*(?:\r?\n|\Z)", text):
        without = text[: match.start()] + text[match.end() :]
        yield without
        # The last one of a block: what is left is a key without a value, which is no list.
        for key in re.finditer(r"""(?m)^[ \t]*["']?disable["']?[ \t]*:""", without):
            yield _inserted(without, key.end(), " []")
