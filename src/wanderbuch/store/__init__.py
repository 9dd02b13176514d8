"""The floor below plugins and agents: what Askar cannot do, in plain tables beside it (docs/adr/0025-store.md)."""
