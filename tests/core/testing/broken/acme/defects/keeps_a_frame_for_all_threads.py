"""Its engine keeps the table under way in an attribute."""

import time
from dataclasses import replace

from acme.engine import AcmeEngine
from acme.plugin import ENGINE, odibi_register_readers, odibi_register_savers  # noqa: F401 - are hooks
from odibi_core.plugin import hookimpl


class Broken(AcmeEngine):
    def to_arrow(self, frame):
        self.under_way = frame.rows()
        for _ in self.under_way.to_batches(max_chunksize=1):
            time.sleep(0)  # as reading and converting do, it lets other threads have their turn
        return self.under_way


@hookimpl
def odibi_register_engines():
    yield replace(ENGINE, factory=f"{__name__}:Broken")
