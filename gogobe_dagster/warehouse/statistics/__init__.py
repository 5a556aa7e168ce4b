"""What can be found in the tables beforehand, because people ask for it and it takes long: statistics.

due            which days of which chains are to be found again; loads write it
daily          prices, stores and promotions of each product in each chain, day by day
price_index    the price index of each chain by week and month
update         all of it, in order; what the nightly maintenance and `gogobe statistics` call
"""
