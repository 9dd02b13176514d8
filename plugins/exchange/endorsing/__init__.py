"""Endorsement of transactions for Indy ledgers by another agent, as its author (ACA-Py's "endorse transaction")."""
