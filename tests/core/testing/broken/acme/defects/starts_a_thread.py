"""It starts a thread as soon as it is imported."""

import threading

from acme.plugin import odibi_register_engines  # noqa: F401 - is a hook

threading.Thread(target=threading.Event().wait, name="acme-heartbeat", daemon=True).start()
