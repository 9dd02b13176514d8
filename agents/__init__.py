"""The roles: authority, issuer, holder and verifier, the runtime that they share, and the command line."""
