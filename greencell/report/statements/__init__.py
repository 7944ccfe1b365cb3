"""Statements to paste: into model cards, papers and forms. A room for each."""
