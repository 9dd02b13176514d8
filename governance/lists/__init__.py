"""A list as somebody keeps it becomes rows of text with notes: bytes in, no I/O, nothing lost without a word.

Read in this order: `reading` (the one door), `kind` (what the bytes are), `csv_text` with `code_pages`, `xlsx` and
`ods` with `archive`, `xml_parts` and `number_format` (each gives a `Sheet`), `layout` (where the table begins and
ends, and what of it is not seen), `writing` (marks and letters nobody sees), `questions` (what only a person decides).
"""
