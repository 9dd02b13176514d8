"""Bring the tools of `wallet/` and compile its sources, which each test of it would wait for.

Run it as a program: `python -m tests.wallet_built`.
"""

from tests.wallet_tools import build

if __name__ == "__main__":
    print(build())
