"""Who looked at whose personal data, when, and for what."""
