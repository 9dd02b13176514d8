"""What can go wrong with the programs that one machine starts."""

from wanderbuch.errors import WanderbuchError


class MachineError(WanderbuchError):
    """A program did not start, or ended by itself."""

    code = "machine"
