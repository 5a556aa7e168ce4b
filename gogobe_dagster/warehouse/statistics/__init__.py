"""What can be found in the tables beforehand, because people ask for it and it takes long: statistics.

due            which days of which chains are to be found again; loads write it
daily          prices, stores and promotions of each product in each chain, day by day
discounts      a chain's offers of today beside what it has usually taken
price_index    the price index of each chain by week and month
products       name, brand and content of each product, and how many chains and stores sell it
product_choice, product_conflicts, gs1_prefixes
               how these are chosen, which contradict each other, and where a GTIN was assigned
match_candidates, product_matches
               which chains' own codes may be products of other chains, and what people decided
update         all of it, in order; what the nightly maintenance and `gogobe statistics` call
"""
