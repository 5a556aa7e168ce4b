"""Tables, views and migrations: how the database is laid out."""
