"""Everything that goes out over the network goes through the one HTTP edge of this package."""
