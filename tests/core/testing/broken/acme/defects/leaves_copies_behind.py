"""Its saver keeps what was there before, under another name."""

import shutil
from dataclasses import replace

from acme.files import AcmeSaver
from acme.plugin import SAVER, odibi_register_engines, odibi_register_readers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeSaver):
    def save_rows(self, table, dataset, target, *, is_there):
        if is_there:
            shutil.copy(target, f"{target}.bak")
        return super().save_rows(table, dataset, target, is_there=is_there)


@hookimpl
def odibi_register_savers():
    yield replace(SAVER, factory=f"{__name__}:Broken")
