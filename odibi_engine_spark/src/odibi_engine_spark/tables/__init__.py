"""What has a name instead of a path: tables of a catalog, tables of a database, and queries."""
