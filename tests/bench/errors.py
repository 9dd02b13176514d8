"""What goes wrong in the bench itself."""


class BenchError(Exception):
    """An agent, or a process of the bench, did not do its part."""
