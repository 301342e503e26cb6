"""Several offers in one go: a basket, a notice for each patent, one transfer for each payee's account."""
