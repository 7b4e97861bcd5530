"""The Polars engine of Odibi: lazy by default, so that what no output needs is never read."""
