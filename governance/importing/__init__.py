"""A ministry's list of accredited institutions and programmes becomes a draft of the governance file. No I/O.

Read in this order: `columns` (what a list may hold), `table` and `csv_text` (the cells), `values` and `dates` (one
cell), `rows` (one row), `merging` (rows become statements), `draft` (all or nothing).
"""
