"""A ministry's list of accredited institutions and programmes becomes a draft of the governance file. No I/O.

`lists` gives the rows. Read here in this order: `headers` and `columns` (what a list may hold), `values` and `dates`
(one cell), `rows` (one row), `merging` and what it names (rows become statements), `draft` (all or nothing).
"""
