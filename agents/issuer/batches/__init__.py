"""Batches: the rows of a class list, each a slip that somebody may claim, in months perhaps.

`batch` is what is kept of the whole, `claims` the rows' claims in pages, `row` what has become of one row, `slips` the
links and PINs, `claiming` how a slip becomes an offer, `batch_desk` what a clerk does; `batch_api` the REST routes,
`agents/issuer/pages` what the person with the slip meets.
"""
