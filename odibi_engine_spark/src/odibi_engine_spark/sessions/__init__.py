"""Where a session comes from: handed in, active, or built from what the manifest says."""
