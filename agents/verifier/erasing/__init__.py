"""Erasing what is kept of an answer because the worker asks (GDPR article 17, EUDI TS7), and proving that it was.

`erasure` is what stays, `eraser` does the work, `receiving_erasures` takes the workers' messages; the REST routes are
in `agents.verifier.erasure_api`.
"""
