"""Wanderbuch: skills that cross borders, as credentials whose issuers can be checked."""
