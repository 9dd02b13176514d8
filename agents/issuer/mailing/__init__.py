"""E-mail of slips' links by the mail server that the operator named: what is written, sent once, and reminded of.

`letter` is one e-mail, `server` the talk with the mail server, `mailing` the record of a batch's mailing, `postman`
sends what is due, `pace` how fast, `mail_api` the REST routes.
"""
