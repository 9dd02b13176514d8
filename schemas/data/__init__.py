"""Data files of what is claimed: credential types, code lists, frameworks, and the scripts that made the tables."""
