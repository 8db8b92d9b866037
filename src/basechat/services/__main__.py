"""Serves one service: `python -m basechat.services NAME [ADDRESS]`, which `basechat serve` becomes."""

import sys

from basechat.services.serve import serve

if __name__ == "__main__":
    serve(*sys.argv[1:])
