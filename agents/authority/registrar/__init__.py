"""Who is registered to ask what, read over HTTP as EUDI wallets read it (TS5): from the governance file in force."""
