"""Sentences of what people meet at the addresses of an agent, where a link or a slip leads: in a worker's languages.

Workers read more languages than desks have (`languages.FOR_WORKERS`), so these stand apart from the rest of the site.
"""
