"""What stands beside a declaration for its readers: descriptions, side offers, pictures, questions.

Nothing here is a term of the licence: the announced declaration stays as CNIPA announced it.
"""
