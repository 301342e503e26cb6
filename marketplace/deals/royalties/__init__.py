"""Running royalties: periods, the licensee's statements, what they make due, and default."""
