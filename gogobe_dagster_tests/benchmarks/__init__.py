"""Benchmarks: `make bench NAME=parse`. One module each, run as a program; none is a test.

Every contender runs in the same run, in turns, so that a noisy machine is noisy for all of them, and what is
printed are ratios. The last line is one JSON object with the figures.
"""
