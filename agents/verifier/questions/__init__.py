"""Questions in words of the trade: one JSON document a question, read, explained, and put.

`document` is what callers write and what it means, `explaining` says in plain words what would be learnt. The published
schema of a document is `question-1.0.schema.json` beside this file.
"""
