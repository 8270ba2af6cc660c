"""Programs of this machine that booting a kernel needs."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Unavailable", "run_program"]


class Unavailable(Exception):
    """What stands in the way of a boot, for the reason of a skip."""


def run_program(
    command: list[str], cwd: Path, env: Mapping[str, str] | None = None, timeout: int = 240
) -> str:
    """Run a program and return what it prints.

    :param timeout: seconds
    :raises Unavailable: it failed or did not end
    """
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} did not end in {timeout} s") from error
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
        raise Unavailable(f"{command[0]} failed: {' '.join(last)[:200]}")
    return result.stdout
