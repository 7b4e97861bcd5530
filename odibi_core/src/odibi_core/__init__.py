"""One data project, any engine."""
