"""A correct plugin of every kind, small enough to be read at once; each of `acme.defects` has one thing wrong."""
