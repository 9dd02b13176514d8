"""Asking by a link, for many applicants: one invitation, an exchange each, and a reference that both sides see.

`link` is what is kept and how a place is given, `applying` what happens when a wallet answers; the REST routes are in
`agents.verifier.link_api`.
"""
