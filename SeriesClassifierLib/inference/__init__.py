"""From parts to predictions."""
