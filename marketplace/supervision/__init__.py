"""What the bureau has to look after, in one list; nothing here acts by itself."""
