"""Documents of every dialect to one model, and the lake that keeps them. Nothing here fetches."""
