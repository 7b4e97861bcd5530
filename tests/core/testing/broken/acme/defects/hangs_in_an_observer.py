"""Its observer waits for an answer that never comes."""

import threading

from odibi_core.plugin import hookimpl

ANSWER = threading.Event()


@hookimpl
def odibi_post_save(event):
    ANSWER.wait()
