"""What things cost, and since when."""

from decimal import Decimal

from dateutil.parser import isoparse

PRICES = {
    "tea": [("2024-01-01", "2.40"), ("2025-03-01", "2.60")],
    "coffee": [("2024-01-01", "3.10")],
}


def price_of(name):
    """The newest price; KeyError if there is none."""
    _, newest = max(PRICES[name], key=lambda entry: isoparse(entry[0]))
    return Decimal(newest)
