"""Certificates that cannot be checked here: paper, or a format that this agent does not know.

`paper` says what can be said of one, and writes the note with which its holder asks the centre for a digital one;
`models` is what goes over the wire.
"""
