"""Technology export: a licensee seated outside the mainland, and what the TIE regulation says of it."""
