"""`wanderbuch backup` and `wanderbuch restore`; see docs/adr/0042-backups.md."""
