"""Two assets, a job over them, and a schedule for it."""

import csv

import dagster


@dagster.asset
def orders() -> list[int]:
    """The amounts of all orders, from a file that ships with the code."""
    with open("data/orders.csv", newline="") as file:
        return [int(row["amount"]) for row in csv.DictReader(file)]


@dagster.asset
def revenue(orders: list[int]) -> int:
    """Their sum."""
    return sum(orders)


job = dagster.define_asset_job("daily_revenue", selection="*")

defs = dagster.Definitions(
    assets=[orders, revenue],
    jobs=[job],
    schedules=[dagster.ScheduleDefinition(job=job, cron_schedule="0 6 * * *")],
)
