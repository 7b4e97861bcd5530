"""What this plugin provides. The standard library and `odibi_core.plugin` only: it is imported wherever Odibi is."""
