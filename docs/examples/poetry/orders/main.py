"""A command that runs to its end, as a cron job does."""

import csv
from collections import Counter
from pathlib import Path

import click
from tabulate import tabulate

ORDERS = Path(__file__).with_name("orders.csv")


@click.group()
def main():
    """Counts orders."""


@main.command()
def count():
    """How many there are of each."""
    counts = Counter()
    with ORDERS.open(newline="") as file:
        for row in csv.DictReader(file):
            counts[row["item"]] += int(row["count"])
    click.echo(tabulate(sorted(counts.items()), headers=["item", "count"]))
