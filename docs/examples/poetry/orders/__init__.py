"""Counts orders."""
