"""Work that several people see before it is done: cases, four eyes, trails, schedules and second looks.

`case` is the data, `rules` are the rules without I/O, `cases` keeps both in the store, `content` is what people edit in
a case, `log` and `reviews` are for what is decided by one person at once and looked at by another after. A kind of
content (changes of a governance file, recognition of prior learning, professional cards) brings its states, its content
and what is done in the end. This floor knows no kind.
"""
