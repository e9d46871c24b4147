"""Answers requests, and says which version of itself does."""

import argparse
from importlib.metadata import version

from flask import Flask
from waitress import serve

app = Flask(__name__)


@app.get("/")
def greeting():
    return {"says": "hello", "version": version("quickstart")}


@app.get("/health")
def health():
    return "fine"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000)
    serve(app, host="127.0.0.1", port=parser.parse_args().port)
