"""Mail that a person may end: which kinds there are, who wants none, and sending each one at most once."""
