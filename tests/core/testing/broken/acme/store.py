"""Rows in a JSON file: a list for each kind, of every project and environment."""

import json


class AcmeStore:
    def __init__(self, path, password=""):
        self._path = path
        self._password = password

    def read_transformations(self, project, env):
        return self.rows("transformations", project, env)

    def read_ingestion(self, project, env):
        return self.rows("ingestion", project, env)

    def rows(self, kind, project, env):
        found = json.loads(self._path.read_text(encoding="utf-8"))[kind]
        return [row for row in found if self.is_meant(row, project, env)]

    def is_meant(self, row, project, env):
        return row["project"] == project and row["environment"] == env
