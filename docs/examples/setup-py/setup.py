"""A project that only running tells what it requires; one of that has no wheel on PyPI."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def requirements():
    lines = (HERE / "requirements.in").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


setup(
    name="report",
    version="1.0",
    packages=find_packages(),
    install_requires=requirements(),
    entry_points={"console_scripts": ["report = report.main:main"]},
)
