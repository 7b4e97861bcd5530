"""The pandas engine for Odibi."""
