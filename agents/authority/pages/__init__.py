"""The authority's pages: the register for everybody, and the desk for its officials."""
