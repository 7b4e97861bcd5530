"""Its observer takes rows for a number, also where nobody counted them."""

from acme import seen
from odibi_core.plugin import hookimpl


@hookimpl
def odibi_post_save(event):
    seen.note(event.run_id, event.dataset.name, event.rows + 0)
