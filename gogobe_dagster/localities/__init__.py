"""Localities of Israel: the table of the Central Bureau of Statistics, and what published words mean.

The resolver works on words and knows no database. Coordinates and population are those of the locality,
never of the store.
"""
