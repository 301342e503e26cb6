"""What others say to a declaration before it is filed: co-owners, pledgees, and readers of a price notice."""
