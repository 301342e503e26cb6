"""Disputes over a notice, a payment or a licence, and the ways out of them (Patent Law Art. 52)."""
