"""One module per format, each with `parse(path, builder) -> page count`. They run inside the cage only."""
