"""WHAT is claimed: credential types as data, code lists, frameworks, and how a claim becomes AnonCreds values.

Read in this order: `credential_type` (what a credential says), `canonical` (how each kind of value is written),
`claims` (a claim is validated, then mapped to values), `encoding` (values as AnonCreds signs them, and back).
"""
