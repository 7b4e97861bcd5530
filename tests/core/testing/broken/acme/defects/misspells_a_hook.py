"""Its hook is of no event."""

from acme import seen
from odibi_core.plugin import hookimpl


@hookimpl
def odibi_post_saved(event):
    seen.note(event.run_id, event.dataset.name, event.rows)
