"""Who gets what of the income: a double-entry ledger, co-owners' and inventors' shares, pay-outs."""
