"""Searches that a person keeps, and the new offers that each of them found."""
