"""Run-log records in a Delta table, by way of delta-rs.

`sink` has the class, and imports the rest when records come, so that a run does not wait for deltalake: `table` writes,
reads and tidies up, and `columns` knows what becomes of values. `options` is what a manifest can say.
"""
