"""Local copies of the portals on loopback, for the demo, the tests and the benchmarks."""
