"""Processes in which plugins work until something happens to them; and the threads and waits of the test's own."""
