"""The centre's console: the pages at which clerks of a training centre issue, for whoever has no program of their own.

`clerks` are its people, `console` what they sign in with and what the console keeps; `pages` is what all pages share,
`start`, `standing_pages`, `issuing`, … the pages, `mounting` their routes, `clerk_api` the people over REST. Below it
nothing knows of it: the pages call what the REST routes call.
"""
