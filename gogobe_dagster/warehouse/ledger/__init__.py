"""The ledger: one row per published file, its state, events and claims.

ledger           what steps call: what is pending, and what became of it
model            what the ledger takes and returns
listing_writes   compare a listing or a parse report with the table, and write it
publication_time when a file was published, where the local time is ambiguous
retry_schedule   when a file that failed is tried again
requeue          put failed files back by hand
portal_pause     portals that refused, and until when they are left alone
listing_status   the last poll of each portal
portal_probes    the last answers of portals to probes
file_claims      take files for a load, quarantine them, mark them as loaded
file_events      events, samples of rejected rows
stored_files     files of raw store and lake that the ledger names
file_rows        rows of the table as Python values
summaries        counts for people
"""
