"""Questions about products, stores and imports, answered from the views with the role of readers.

reader       connections that can only read, and the errors that a question may end with
answer_code  stable names of these errors
pages        answers in pages that continue after the last row
filters      which stores a question is about
products     search, prices, history, promotions, comparison and baskets
chains       whole chains: what became dearer, how dear each is, what only one sells
stores       stores near a point, localities, and how fresh stores are
imports      freshness of feeds, published files, codes
conditions   what has to be met for the price of an offer, as sentences

The HTTP service and the tools for language models ask the same functions.
"""
