"""People who work at a site of a tenant: who they are, what they may do, and how they sign in."""
