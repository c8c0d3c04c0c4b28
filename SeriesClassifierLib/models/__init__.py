"""Network definitions (torch). Inference does not need them: it runs what they were exported to."""
