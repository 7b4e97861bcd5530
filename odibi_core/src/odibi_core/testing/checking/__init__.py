"""What ``odibi plugins check`` does: contracts derived from specs, run in another process, and their result kept."""
