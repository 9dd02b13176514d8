"""Where records are kept: the wallet store, and the plain tables beside it."""
