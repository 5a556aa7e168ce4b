"""The warehouse as a dataset: Parquet files in folders that everybody's programs open in place.

tables         what the tables of the dataset are, and how each is cut into files
changes        what each file depends on, so that only what changed is written again
manifest       which files there are, with rows, hashes and what they were made from
foreign_files  refuses to replace documents of others
publishing     writes what changed, file by file
description    datapackage.json and README.md of a dataset
"""
