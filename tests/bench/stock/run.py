"""`python -m tests.bench.stock.run start …`: stock `aca-py`, which ends with the bench, whatever ends that."""

import runpy

from wanderbuch.agents.runtime.parent import end_with_stdin

if __name__ == "__main__":
    end_with_stdin()
    runpy.run_module("acapy_agent", run_name="__main__", alter_sys=True)
