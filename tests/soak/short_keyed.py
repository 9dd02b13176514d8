"""`python -m tests.soak.short_keyed MODULE ARGUMENT…`: a program whose definitions get short keys of tests.

MODULE is run as `python -m MODULE ARGUMENT…` would. For what is about neither keys nor time: with keys of full length
an issuer and the wallets work for a third of a second on each credential.
"""

import runpy
import sys

from tests.issuer_keys import use_short_keys


def main() -> None:
    """Run the program that the command line names."""
    _, module, *arguments = sys.argv
    use_short_keys()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
