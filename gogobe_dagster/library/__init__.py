"""What `import gogobe_dagster` offers to other programs: published files and imported days as frames.

table             rows that become a frame of Polars, pandas or Arrow
rows              the columns that a reader of files wants beside those of the document
published_files   read files as chains publish them
imported_days     the rows of a feed and day, as files stated them
"""
