"""What every agent shares: ACA-Py in this process, the public site, the app site, the wallet, start and stop."""
