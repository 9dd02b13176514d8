"""Who may claim it: governance files (CTE 1.0 with our profile), their signatures and freshness, and the decision."""
