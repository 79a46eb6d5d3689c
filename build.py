"""Build the post: `python build.py --help`."""

import sys


def main() -> int:
    """Run the command that was typed; where the packages are missing, say where they are to be had."""
    try:
        from generator import cli

        return cli.main(sys.argv[1:])
    except KeyboardInterrupt:  # while it is imported
        return 130
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("", "generator"):
            raise
        print(
            f"build.py: {sys.executable} has no package {error.name}; "
            "make its environment with `make env`, then run .venv/bin/python build.py",
            file=sys.stderr,
        )
        return 2


if __name__ == "__main__":
    sys.exit(main())
