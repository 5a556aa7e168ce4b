"""Tables, views and migrations: how the database is laid out.

tables, promotion_tables, statistics_tables, watch_tables
                           the tables; columns: what their definitions share
enums                      values that columns may have
views                      the views; their SQL is in sql/
repeatable                 functions, triggers, views and comments, replaced when they change
store_localities           the table of localities, and which of them each store is in
product_contents           how much of each product is in a package
fingerprints               which version of all this a database has
migrate                    connect, and migrate to the newest revision in migrations/
monthly_partitions         partitions of price_past
extensions                 the PostgreSQL extension that search needs
grants                     what the roles that load and read may do
"""
