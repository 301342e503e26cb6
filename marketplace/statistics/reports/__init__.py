"""The bureau's reports of a month, quarter, year or other period: made, published, frozen, compared."""
