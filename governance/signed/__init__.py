"""Who stands behind a governance file and how new it is: signatures, freshness, history, bundles, staples."""
