"""The append-only record of predictions and corrections: the only source of truth for labels."""
