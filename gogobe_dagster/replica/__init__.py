"""Local copies of the portals on loopback, for the demo, the tests and the benchmarks.

app, server     all portals as one web application, and the server that runs it in this process
publication     a published file, and all files that a feed publishes now
state           what the portals share; serving: responses of every family
family          what every portal family implements
cerberus, shufersal, bina, publish_price, super_pharm, laib, wolt, mishnat_yosef, hazi_hinam,
city_market, netiv_hahesed:
                one module per portal family (docs/portals.md); html_tables: what two of them share
cerberus_ftp    the Cerberus accounts over FTP, on a port of its own; cerberus_ftp_session: one connection
gov_register    the official register of feeds
gov_localities  the official list of localities
faults          the faults that can be simulated, by name; corruption: those of a file's bytes
control         a page that shows what is published, and an API for faults and the clock
folder          real files from a folder
simulated_clock
                the time of the portals: any time, at any speed
generator       synthetic chains, stores, prices and promotions, written as the chains do
"""
