"""A mediator: takes what is for wallets without an address of their own, and keeps it until they have it.

role ─► office ─┬─► forwarding (from anybody)  ─► queue ─┐
                ├─► coordinating (wallets, keys)         ├─► live ─► a wallet's web socket
                └─► pickup (a wallet asks)     ─► queue ─┘
             └─► relaying (a wallet has requests sent) ─► egress ─► public https
                                     queue ─► pushing ─► a push service, for a wallet that is not there
"""
