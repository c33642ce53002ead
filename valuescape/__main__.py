"""The program's entry point; light, since every worker process imports it again."""

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    try:
        from valuescape.cli import run_cli

        status = run_cli()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
