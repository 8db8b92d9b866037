"""Run one service: `python -m basechat.services NAME [ADDRESS]`. `basechat serve` becomes this process."""

import sys

from basechat.services.serve import serve

if __name__ == "__main__":
    serve(*sys.argv[1:])
