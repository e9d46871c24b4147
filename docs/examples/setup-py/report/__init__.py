"""Says things."""
