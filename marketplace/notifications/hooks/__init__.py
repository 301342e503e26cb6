"""Outgoing webhooks: organisations' systems are told of what concerns them (Standard Webhooks)."""
