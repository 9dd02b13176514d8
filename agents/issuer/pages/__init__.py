"""The pages of an issuer on the public site: a slip is claimed."""
