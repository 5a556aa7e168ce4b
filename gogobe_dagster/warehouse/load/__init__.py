"""Parsed files become rows: prices, promotions and store lists, one transaction at a time.

loader, load_report  what the pipeline calls; it divides the work into transactions
price_load, promotion_load, store_load
                     one transaction each
file_order           in which order files apply
late_files           which file is late, and undoing history for it
price_periods, promotion_periods
                     the SQL that reads and writes periods
store_keys           chains, sub-chains and stores
store_numbers        the sub-chain of files that state none; ambiguous_numbers: files that leave it again
product_keys         products; gtin: which product a code means; product_text_lookup: products by a hash
product_attributes   names, manufacturers, units
promotion_versions   distinct contents of promotions
"""
