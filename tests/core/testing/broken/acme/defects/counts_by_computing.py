"""Its engine computes a frame to count the rows."""

from dataclasses import replace

from acme.engine import AcmeEngine
from acme.plugin import ENGINE, odibi_register_readers, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeEngine):
    def count_rows(self, frame):
        return frame.rows().num_rows


@hookimpl
def odibi_register_engines():
    yield replace(ENGINE, factory=f"{__name__}:Broken")
