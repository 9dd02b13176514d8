"""Receipts: what a verifier asked and decided, signed by it, for both sides; no name and no value of a credential."""
