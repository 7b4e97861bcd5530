"""What options models promise: unknown options are refused, planning stays light, and no secret is shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core.diagnostics import MASK, redact_value
from odibi_core.errors import OdibiError
from odibi_core.loading import PluginManager
from odibi_core.loading.hooks import Spec, kind_of_spec
from odibi_core.testing.processes.child import child_environment

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["model_problems", "what_models_import"]

_SECRET: Final = "odibi-contract-4711"  # noqa: S105 - is nobody's
_IMPORT: Final = """
import importlib, sys
wanted, heavy = sys.argv[1].split(","), sys.argv[2].split(",")
for module in wanted:
    importlib.import_module(module)
    found = sorted(name for name in heavy if name in sys.modules)
    if found:
        print(module, "imports", ", ".join(found))
        break
"""


def model_problems(
    specs: Iterable[Spec], *, manager: PluginManager, secrets_below: Path | None = None
) -> Iterator[str]:
    """Yield what is wrong with the options models of specs: unknown options, or with a folder, shown secrets.

    Args:
        specs: Specs of the manager's.
        manager: The manager.
        secrets_below: A project's folder for validators; given, secrets are looked for, else unknown options.
    """
    for spec in specs:
        try:
            model = manager.load_options_model(spec)
        except OdibiError:
            continue  # that it cannot be loaded is another test's to say
        if model is not None:
            name = f"the options model of {kind_of_spec(spec)} {spec.name}"
            if secrets_below is not None:
                yield from (f"{name} {problem}" for problem in _shown_secrets(model, root=secrets_below))
            elif model.model_config.get("extra") != "forbid":
                yield f"{name} accepts unknown options"


def what_models_import(specs: Iterable[Spec], *, heavy: Iterable[str]) -> Iterator[str]:
    """Yield which module of an options model imports a data library, the first of each process.

    Args:
        specs: The specs.
        heavy: The libraries.
    """
    references = [getattr(spec, "options_model", None) for spec in specs]
    modules = sorted({reference.partition(":")[0] for reference in references if reference})
    if not modules:
        return
    command = [sys.executable, "-P", "-c", _IMPORT, ",".join(modules), ",".join(heavy)]
    done = subprocess.run(  # noqa: S603 - our own code, on modules that the plugin names
        command, env=child_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        yield f"the modules of the options models cannot be imported in a new process: {done.stderr.strip()[-1000:]}"
    else:
        yield from done.stdout.splitlines()


def _shown_secrets(model: type[BaseModel], *, root: Path) -> Iterator[str]:
    from pydantic import ValidationError

    for field, info in model.model_fields.items():
        key = info.alias or field
        if not _is_private(key, info):
            continue
        # What validators turn away, they may quote: texts, and what is no text at all.
        for value in (_SECRET, [_SECRET], {"key": _SECRET}):
            try:
                shown = repr(model.model_validate({key: value}, context={"project_root": root, "mode": "overwrite"}))
                where = "its repr"
            except (ValidationError, OdibiError) as error:
                shown, where = str(error), "its error"
            if _SECRET in shown:
                yield f"shows the value of {key!r} in {where}"
                break
        # Without validation, because the options that the others need are not known; SecretStr would not be made of it.
        is_secret_type = "Secret" in str(info.annotation)
        if not is_secret_type and _SECRET in repr(model.model_construct(None, **{field: _SECRET})):
            yield f"shows the value of {key!r} in its repr"


def _is_private(key: str, info: Any) -> bool:
    return info.repr is False or "Secret" in str(info.annotation) or redact_value({key: _SECRET})[key] == MASK
