"""A series is not always one label: split it into parts that are."""
