"""The Spark engine for Odibi: one engine for a laptop, a cluster, Spark Connect and Sail, with Delta tables."""
