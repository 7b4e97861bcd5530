"""Log sinks for Odibi."""
