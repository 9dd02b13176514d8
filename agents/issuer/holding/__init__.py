"""One valid holding an attestation: what takes an issued credential's place, and what its worker says is wrong with it.

`successor` is the record of what takes a credential's place, `superseding` the task that sees to it; `report` is what a
worker says is wrong, `reports` the list of these as tasks; `holding_api` the REST routes.
"""
