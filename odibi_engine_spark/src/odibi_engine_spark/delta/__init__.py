"""Delta tables on Spark: classic sessions, Spark Connect and Sail.

`reader` and `saver` are what a project uses; `tables`, `merges` and `databases` are for notebooks; `sink` keeps the run
log. Under them: `targets` (a table, by path or by name), `fitting` (whether rows fit a table), `merging` (the one
MERGE), `commits` (what a commit says it did), `failures` (errors in words), `limits` (what Sail lacks), `options`.
"""
