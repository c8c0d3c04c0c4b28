"""The ``series-classifier`` command."""
