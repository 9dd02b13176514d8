"""Webhooks: what a tenant's event log tells is sent to addresses that the tenant names, signed, at least once."""
