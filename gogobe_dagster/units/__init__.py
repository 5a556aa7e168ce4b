"""How much of a product a price is for, from what chains publish in fields and names.

table       the units that chains write, each with its spellings and its size in the base unit
content     from fields and name of a product to its content, or to the reason why it is not known
reasons     where a content was read, or why there is none
names       sizes in the names of products; name_words: words that make a size in a name mean something else
distinct    work on rows of which many are the same
comparable  the price of one kilogram, litre, metre or piece

Content belongs to a product, not to a price, so that it is found once per product text, and a size once per
distinct size.
"""
