"""Answers what things cost, as the other member of the workspace knows it."""

import argparse

from flask import Flask, abort
from prices import price_of
from waitress import serve

app = Flask(__name__)


@app.get("/prices/<name>")
def price(name):
    try:
        return {"name": name, "price": str(price_of(name))}
    except KeyError:
        abort(404)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000)
    serve(app, host="127.0.0.1", port=parser.parse_args().port)
