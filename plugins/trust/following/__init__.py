"""The governance files that an agent follows: fetched, checked, remembered, and those that they recognise."""
