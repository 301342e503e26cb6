"""The papers of a declaration: as PDF/A to sign and file, as DOCX to go on editing, many at once as ZIP."""
