"""A holder's bank statement: what it says about money that is owed here, matched by reference and sum."""
