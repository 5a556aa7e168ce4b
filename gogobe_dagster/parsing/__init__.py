"""Documents of every dialect to one model. Nothing here downloads or writes.

From file to rows
    batch_reader        many files at once; file_reader: one file
    layout_detection    which document type a file holds, and where its rows are
    fast, lxml          the two readers: rows as columns of text
    document_chunks     long documents in slices
    normalization       text to decimals, timestamps and booleans
    dates               dates and times in every form, as UTC
    document_rules      per document type: keys, defaults, limits, and what rejects a row
    promotions          promotions: offers, terms, and what they cost
    reader_errors       what nobody foresaw becomes a code of the file

Tables to look things up in
    dialects            which element feeds which column: add a spelling here
    model, column_types the columns and their types
    meanings            what each column means
    reject              why a row is rejected; reject_reasons: finds that, and fields that cannot be read
    report              what is counted about a file

malloc_tuning           keeps freed memory for the next document
"""
