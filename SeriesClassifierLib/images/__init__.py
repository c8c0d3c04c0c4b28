"""Pictures out of pixel data."""
