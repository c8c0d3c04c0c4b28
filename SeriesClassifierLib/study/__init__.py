"""What the series of a study tell about each other."""
