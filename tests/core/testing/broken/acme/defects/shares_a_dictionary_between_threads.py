"""Its observer goes through a dictionary that other threads add to."""

from odibi_core.plugin import hookimpl

_running = {}


@hookimpl
def odibi_post_save(event):
    _running[object()] = event.run_id
    longest = [run for key, run in _running.items() if repr(key)]
    if len(longest) > 200:
        _running.clear()
