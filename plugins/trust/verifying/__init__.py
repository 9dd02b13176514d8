"""A question put to a holder, its answer judged, and every verification ended in a saved state."""
