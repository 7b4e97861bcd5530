"""Tables, values and records that contracts hand to plugins, and how what comes back differs."""
