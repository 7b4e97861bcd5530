"""The Polars engine of Odibi: lazy by default, so that what a row does not need is never read."""
