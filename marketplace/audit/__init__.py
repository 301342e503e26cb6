"""What happened to one matter: traces of the journal, proof that they are whole, and files for a court."""
