"""``helperhist`` and ``python -m helperhist``: nothing is imported before it may be interrupted."""

import os
import sys

__all__ = ["main"]

# Made while there is memory.
_INTERRUPTED = b"interrupted\n"
_NO_MEMORY = b"Error: out of memory; allow more (ulimit -v), or give less\n"


def main() -> None:
    """Run the command line and exit."""
    try:
        from helperhist.cli import main as run

        run()
    except KeyboardInterrupt:
        code, message = 130, _INTERRUPTED
    except MemoryError:
        code, message = 2, _NO_MEMORY
    except ImportError as error:
        # The loader's words for a library that does not fit.
        if "cannot allocate memory" not in str(error).lower() and "map segment" not in str(error):
            raise
        code, message = 2, _NO_MEMORY
    # Here, and not above: until now the error kept alive what fills the memory.
    try:  # noqa: SIM105 (contextlib would be an import)
        os.write(2, message)
    except OSError:
        pass
    sys.exit(code)


if __name__ == "__main__":
    main()
