"""Simulated headers and exams: where the breadth of the header model comes from."""
