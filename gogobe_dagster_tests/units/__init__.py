"""Units and contents. checked_contents.tsv: products as published, with the content that a person read."""
