"""Published files before anyone reads their rows: names, kinds, containers, encodings, the raw store."""
