"""A wallet host: the files of the wallet in the page, from an origin of its own, and one vault a worker.

role ─► office ─┬─► page_files  the built files of `wallet/`, under a strict content security policy; nothing else
                └─► vault_site ─► vault_call (who asks) ─► vaults (numbered revisions, ciphertext)
"""
