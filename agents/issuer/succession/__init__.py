"""Open rows that another issuer goes on with (ADR 104): what travels, how it is handed over, how it is taken over.

The authority's file names the successor of a centre (`governance.facts.statements.Succession`). The centre ends a batch
for good and gives out its open rows, sealed to that issuer and signed (`handing_over`, `open_rows`). The successor
takes each row over once, as a batch of its own (`taking_over`).
"""
