"""The event log of a tenant on the app site: read page by page, or followed as a stream of server-sent events."""
