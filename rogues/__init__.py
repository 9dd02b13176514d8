"""Agents that cheat. The demo plays them, the tests attack with them; they run from a checkout and are never installed.

Each is a real agent on our runtime, started as `python -m rogues.<name> --config FILE`, and driven by a control API of
its own on its app site. What an honest agent refuses to do is done here, beside the honest code: no switch turns it off
there.
"""
