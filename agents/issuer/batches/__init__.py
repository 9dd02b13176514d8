"""Batches: the rows of a class list, each a slip that somebody may claim, in months perhaps.

What is kept of them is in `batch_records`. `claims` are the rows' claims in pages, `claiming` how a slip becomes an
offer, `batch_desk` what a clerk does with a batch, `row_desk` with one row of it, `personal_rows` in which rows a
person's data stand; `batch_api` the REST routes, `agents/issuer/pages` what the person with the slip meets.
"""
