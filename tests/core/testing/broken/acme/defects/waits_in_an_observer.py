"""Its observer looks its server up for each event."""

import socket

from odibi_core.plugin import hookimpl


@hookimpl
def odibi_post_save(event):
    socket.getaddrinfo("127.0.0.1", 514)
