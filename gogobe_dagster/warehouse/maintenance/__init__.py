"""Retention, clean-up and rebuilding.

retention             what is kept for how long
price_retention, promotion_retention
                      old periods of prices and of promotions
ledger_archive        details of long finished files in the ledger
lake_cleanup          files of the lake that nothing refers to
rebuild               tables again from the lake
"""
