"""Its observer adds a column to frames of the engine that it knows."""

from acme.engine import Frame
from acme.plugin import odibi_register_engines  # noqa: F401 - is a hook
from odibi_core.plugin import hookimpl


@hookimpl
def odibi_post_read(event):
    if isinstance(event.frame, Frame):
        rows = event.frame.rows()
        event.frame.table = rows.append_column("seen", [[True] * rows.num_rows])
