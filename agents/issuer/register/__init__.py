"""The register of what a centre has issued: found by number and name, and one certificate a number."""
