"""Its observer goes through a dictionary that other threads add to."""

from odibi_core.plugin import hookimpl

_running = dict.fromkeys(range(2_000), "a run that is over")


@hookimpl
def odibi_post_save(event):
    _running[object()] = event.run_id
    names = [repr(run) for run in _running.values()]
    if len(names) > 4_000:
        _running.clear()
