"""Further clauses that a holder offers beside an open licence: taken or left, never a condition."""
