"""The rows of the register, a module a kind of portal, and what a row says. `feeds` looks them up.

model        what a feed is, and one that is disabled
cerberus, bina, others    the feeds that publish (PORTALS §5.1)
disabled     addresses that published once or should, and why they are not imported (PORTALS §5.2)
official     what the page of the official register says
drift        how it differs from our rows

A new feed is one row here. Nothing here asks a portal.
"""
