"""The gate: what a message must be, and whose turn it is, before anything of it is kept or handled.

A message passes in this order, each step cheaper than what it protects:

1. `envelope`: an encrypted envelope of at most 10 recipients; one of them is a key of ours (`keys`);
2. `received`: the message inside is strict JSON, and all that the transport and ACA-Py's dispatcher rely on is there
   and of the right type;
3. `served`: its type stands in the table of what our roles serve, and it is no larger than such a message may be;
4. `senders`: the sender stands as near to us as the table demands (a connection, an exchange, an invitation);
5. `admission`: the sender's budget has room; so has its group, and the agent;
6. `kept`: the envelope is kept.

Then it waits for its turn (`admission`) and is handed to a handler (`runtime/conductor`), which has a deadline. Steps 1
to 4 are walked by `entry`. Whoever is refused waits a little for the answer (`brake`), and is counted (`tally`).
`networks` tells senders without an identity apart; `parties` says whose hosts are never counted as strangers'.
"""
