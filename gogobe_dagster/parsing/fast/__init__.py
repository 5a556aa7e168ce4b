"""The vectorized reader: NumPy passes over a document's bytes instead of a loop over elements.

docs/fast-reader.md follows three rows through it, step by step.

entry                the only module that others import
reader               prices and stores; promotion_reader: promotions
tokenizer            a document as texts and the separators between them
separator_matching   which separator stands before each text
element_paths        the enclosing elements of every text; promotion_paths: the same inside promotions
row_boundaries       where rows begin and end
opaque_spans         neighbouring fields that are taken as one text
product_text_cache   product text that was parsed before
string_views         texts as Polars columns, without a copy
byte_views           a document's bytes for NumPy, and the exception of a document that is not regular
"""
