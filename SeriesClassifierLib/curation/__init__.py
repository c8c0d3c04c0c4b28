"""What people do with labels: the review queue, siblings, suspects, site rules."""
