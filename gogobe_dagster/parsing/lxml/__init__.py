"""The lxml reader: for documents that the fast reader cannot take, and the reference in its tests.

reader   prices and stores; promotion_reader: promotions
"""
