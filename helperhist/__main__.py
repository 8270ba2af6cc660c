"""``helperhist`` and ``python -m helperhist``: nothing is imported before it may be interrupted."""

import errno
import os
import sys

__all__ = ["main"]

# Made while there is memory.
_INTERRUPTED = b"interrupted\n"
_NO_MEMORY = b"Error: out of memory; allow more (ulimit -v), or give less\n"


def main() -> None:
    """Run the command line and exit."""
    try:
        from helperhist.cli.group import main as run

        run()
    except KeyboardInterrupt:
        code, message = 130, _INTERRUPTED
    except MemoryError:
        code, message = 2, _NO_MEMORY
    except OSError as error:
        # From the import system; those of commands have their message already.
        if error.errno != errno.ENOMEM:
            raise
        code, message = 2, _NO_MEMORY
    except ImportError as error:
        # Without memory, Python does not find its modules, and the loader not its libraries.
        words = f"Error: {error}; allow more memory (ulimit -v), or install helperhist anew\n"
        code, message = 2, words.encode("utf-8", "backslashreplace")
    # Here, and not above: until now the error kept alive what fills the memory.
    try:  # noqa: SIM105 (contextlib would be an import)
        os.write(2, message)
    except OSError:
        pass
    sys.exit(code)


if __name__ == "__main__":
    main()
