"""What changed between two governance files, in words."""
