"""Localities of Israel: the table of the Central Bureau of Statistics, and what published city names mean.

resolver       from what a chain publishes about a store to a locality
index          which localities a spelling may mean
table          localities.tsv: codes, names, districts, coordinates
spelling       keys under which different spellings meet; spellings.tsv: those that no rule covers
text_search    find localities inside addresses and store names; words: words that are no locality
contradiction  whether address or store name contradicts the published city
official_list  how the official list of localities differs from the table

The resolver works on text and knows no database. Coordinates and population are those of the locality,
never of the store.
"""
