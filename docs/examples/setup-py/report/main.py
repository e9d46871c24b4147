"""Says something.

Usage: report [--times N] WORD

Options:
  --times N  how often [default: 1]
"""

from docopt import docopt


def main():
    arguments = docopt(__doc__)
    for _ in range(int(arguments["--times"])):
        print(arguments["WORD"])
