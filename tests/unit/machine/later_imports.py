"""Runs a module as a program and writes which modules it imported: `python -m … FILE MODULE ARGUMENTS`."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    before = set(sys.modules)
    told, module, *sys.argv[1:] = sys.argv[1:]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        Path(told).write_text("\n".join(name for name in sys.modules if name not in before))
