"""A mediator: takes what is for wallets without an address of their own, and keeps it until they have it.

role ─► office ─┬─► forwarding (from anybody)  ─► queue ─┐
                ├─► coordinating (wallets, keys)         ├─► live ─► a wallet's web socket
                └─► pickup (a wallet asks)     ─► queue ─┘
                                     queue ─► pushing ─► a push service, for a wallet that is not there
"""
