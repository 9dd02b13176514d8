"""Batches: the rows of a class list, each a slip that somebody may claim, in months perhaps.

What is kept of them is in `batch_records`. `claims` are the rows' claims in pages, `claiming` how a slip becomes an
offer, `batch_desk` what a clerk does; `batch_api` the REST routes, `agents/issuer/pages` what the person with the slip
meets.
"""
