"""The pandas engine for Odibi: frames are `pandas.DataFrame`, files are read and replaced safely."""
