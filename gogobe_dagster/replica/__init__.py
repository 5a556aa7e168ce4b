"""Local copies of the portals on loopback, for the demo, the tests and the benchmarks.

publication     what a feed publishes now
app, server     all portals as one web application, and the process part that serves it
state           what the families share; serving: their shared answers
cerberus, shufersal, bina, publish_price, super_pharm, laib, wolt, mishnat_yosef, hazi_hinam,
city_market, netiv_hahesed:
                one module per portal family (docs/portals.md); html_tables: what two of them share
cerberus_ftp    the other door of Cerberus, on a port of its own
gov_register    the official register of feeds
faults          the faults that can be simulated, by name; corruption: those of a file's bytes
folder          a folder of real files as what the portals publish
moving_clock    the time of the portals: anywhere, at any speed
generator       made-up chains, stores, prices and promotions, rendered as the chains would
"""
