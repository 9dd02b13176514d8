"""A governance file in other formats. Each module is one format and says what it cannot express (`export.Loss`).

An export is a copy for others to read. What decides is the governance file: no export of ours is ever read back as
trust, but for the CSV list, which an official imports into a draft.
"""
