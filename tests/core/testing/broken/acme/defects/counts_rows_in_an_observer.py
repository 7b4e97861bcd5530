"""Its observer counts the rows of a frame."""

from acme import seen
from odibi_core.plugin import hookimpl


@hookimpl
def odibi_post_read(event):
    seen.note(event.run_id, event.dataset.name, len(event.frame))
