"""An invented, believable catalogue with two years of history, and how it is loaded and shown."""
