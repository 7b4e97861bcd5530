"""What an author tests a plugin with; it needs the extra ``odibi-core[testing]``."""
