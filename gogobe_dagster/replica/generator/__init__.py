"""Made-up chains that publish like real ones: the same seed and clock give the same bytes.

catalogue       what can be bought: names, codes, packages
shops           the branches of a feed
market          what is sold where, at which price, since when, and on offer: functions of time; the truth
styles          how a feed writes: names, dialects, containers, encodings
prices_xml, promotions_xml, stores_xml      documents in the dialects of the chains
publishing      the timetable of a day, and putting it on the shelves
chains          all that as a clock goes on
oddities        files that should not be there but are: placeholders, leftovers, strangers
"""
