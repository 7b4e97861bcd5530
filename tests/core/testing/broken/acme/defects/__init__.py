"""Plugins with one defect each: everything else is that of `acme.plugin`."""
