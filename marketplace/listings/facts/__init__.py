"""What is known about patents: statements with date, source and author, their history, and who vouched."""
