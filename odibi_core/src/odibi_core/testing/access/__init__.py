"""How a contract gets at what it is about: an engine, a dataset with its reader and saver, a log sink."""
