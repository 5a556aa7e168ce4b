"""One module a portal family: how to list and to fetch. Nothing here looks inside a file."""
