"""Recordals as the gazette announces them: in effect, changed, cancelled (GL V-8 §1.3.2.7)."""
