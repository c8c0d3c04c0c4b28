"""Training of bundles (needs the ``train`` extra)."""
