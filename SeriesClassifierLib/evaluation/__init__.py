"""How good a bundle is, and what it would change."""
