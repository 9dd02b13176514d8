"""Large governance files in parts that are named by their digest, written and read."""
