"""Taxes on licence fees, as dated data: information for both sides, never advice."""
