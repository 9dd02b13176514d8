"""What is handed over so that others decide without a network: bundles and staples."""
