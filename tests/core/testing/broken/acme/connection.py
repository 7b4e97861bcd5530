"""A folder."""

import posixpath

from odibi_core.plugin import ConfigError


class AcmeConnection:
    def __init__(self, config):
        self.name = config.name
        self.root = posixpath.normpath(posixpath.join(str(config.project_root), config.options["path"]))
        self._token = config.options["token"]

    def locate(self, path):
        located = posixpath.normpath(posixpath.join(self.root, path))
        if "\0" in path or "://" in path or not self.is_inside(located):
            raise ConfigError(f"connection {self.name!r}: {path!r} would leave {self.root}")
        return located

    def is_inside(self, located):
        return located == self.root or located.startswith(f"{self.root}/")

    def storage_options(self):
        return {"token": self._token}
