"""How much memory processes have."""

from pathlib import Path

from tests.bench.errors import BenchError


def resident_kib(pid: int) -> int:
    """Return the resident memory of a process.

    Raises:
        BenchError: the kernel does not say it.
    """
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise BenchError(f"process {pid} has no memory")
