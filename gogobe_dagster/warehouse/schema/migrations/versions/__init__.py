"""One module a revision, in order, with its SQL beside it. A revision that was released never changes."""
