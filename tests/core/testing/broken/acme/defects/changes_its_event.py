"""Its observer writes into the event."""

from odibi_core.plugin import hookimpl


@hookimpl
def odibi_post_save(event):
    event.dataset.options["seen"] = True
