"""A class list as a training centre keeps it becomes claims, one a row: no I/O, nothing guessed, nothing half read.

The bytes are read by `governance.lists`, as a registrar's list is. Here: `listed` (what it comes to), `columns` (what a
list for a credential type may hold), `cells` (one cell), `names` (a person's name in one cell), `results` (who has
passed), `reading` (the whole). `judged` asks the issuer's standing, and `list_api` is the REST route.
"""
