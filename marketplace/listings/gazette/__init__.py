"""Lists of the patent gazette, matched by patent number: announcements and withdrawals (GL V-11 §5)."""
