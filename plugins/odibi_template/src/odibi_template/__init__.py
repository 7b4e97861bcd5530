"""A reader of template files for Odibi."""
