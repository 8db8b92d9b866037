"""Entry of the command `basechat` and of `python -m basechat`."""

from basechat.cli import cli


def main() -> None:
    cli(prog_name="basechat")


if __name__ == "__main__":
    main()
