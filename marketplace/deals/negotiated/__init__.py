"""Negotiated ordinary licences (Patent Law Art. 51 para. 3): recorded apart, never counted as open."""
