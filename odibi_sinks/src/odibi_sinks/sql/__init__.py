"""Run-log records in a table of a database.

`urls` and `names` check what a user wrote, without SQLAlchemy: a run starts before the table is needed. `sink` has the
class, and imports the rest when records come: `store` keeps the connection, `tables` creates and migrates, `dialects`
knows what differs between databases, and `rows` what becomes of values.
"""
