"""Synthetic chains that publish like real ones: the same seed and clock give the same bytes.

catalogue       products: names, codes, packages
stores          the stores of a feed
market, assortment, promotions
                what is sold where, at which price, since when, and on offer: functions of time
deals           what an offer costs: the truth; promotion_terms: what the layouts make of it
styles, stores_styles
                how a feed writes: name layouts, document layouts, containers
documents, prices_xml, promotions_xml, stores_xml
                documents in the layouts of the chains
schedule        when a feed publishes which file
publishing      publishing the files of a day
chains          publishing while a clock runs
stray_files     files that do not belong on a portal: placeholders, leftovers, other chains
ground_truth    what a warehouse must contain after importing everything
seeded_random   numbers that depend only on their arguments
"""
