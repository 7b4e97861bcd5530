"""Its engine raises where it is asked whether something is a frame."""

from dataclasses import replace

from acme.engine import AcmeEngine
from acme.plugin import ENGINE, odibi_register_readers, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeEngine):
    def is_frame(self, value):
        return value.table is not None or value.compute is not None


@hookimpl
def odibi_register_engines():
    yield replace(ENGINE, factory=f"{__name__}:Broken")
