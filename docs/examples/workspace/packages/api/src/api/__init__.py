"""Answers what things cost."""
