"""The PostgreSQL tables, the ledger of files, and the exact load. Nothing here knows portals.

schema        tables, views and migrations
ledger        one row per published file: states, events, claims
load          parsed files become rows; late files; products, stores and promotions get their keys
history       which periods of prices and promotions begin and end
bulk_io       COPY in and out
maintenance   retention, clean-up, rebuild
statistics    daily prices of each product in each chain, and the price index
locks         every advisory lock, and the order in which writers take them
"""
