"""Import, export, merge, verify."""
