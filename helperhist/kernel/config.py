"""A kernel's configuration, and what it makes of a program's kconfig externs.

The rules are libbpf's (``bpf_object__read_kconfig_file``, ``set_kcfg_value_*``): ``y``, ``n`` and
``m``, strings in quotes, numbers; what is not set is not there.
"""

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from helperhist.binary import (
    COMPRESSED,
    HEAD,
    Budget,
    Form,
    config_in,
    describe,
    recognise,
    unpack,
    unpack_image,
)
from helperhist.errors import HelperhistError, ParseError

__all__ = ["kconfig_value", "parse_config", "read_config"]

#: Distributions' have 300 KB.
_MAX_CONFIG = 16 << 20
_MAX_FILE = 256 << 20
_LINE = re.compile(rb"^(CONFIG_\w+)=([^\r\n]*)", re.MULTILINE | re.ASCII)
_TRISTATE = {"n": 0, "y": 1, "m": 2}


def parse_config(data: bytes) -> dict[str, str]:
    """Read a ``.config``: names to values as they are written.

    :raises ParseError: it sets nothing
    """
    found = {
        item[1].decode("ascii"): item[2].decode("utf-8", "replace") for item in _LINE.finditer(data)
    }
    if not found:
        raise ParseError("no line CONFIG_...= is in it")
    return found


def read_config(path: Path) -> dict[str, str]:
    """Read a kernel's configuration from a file.

    :param path: of a ``.config``, of ``/proc/config.gz``, or of an image that brings its own
    :raises HelperhistError: it is none of these
    """
    if path.exists() and not path.is_file():
        raise HelperhistError(f"{path} is not a regular file; give a configuration")
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise HelperhistError(f"cannot read {path}: {error.strerror}") from error
    try:
        return parse_config(_config(data, path.name, Budget()))
    except ParseError as error:
        raise HelperhistError(f"{path}: {error}") from error


def _config(data: bytes, name: str, budget: Budget) -> bytes:
    if len(data) > _MAX_FILE:
        raise ParseError(f"more than {_MAX_FILE >> 20} MiB are not a configuration")
    form = recognise(data[:HEAD], name)
    if form in COMPRESSED:
        return _config(unpack(form, BytesIO(data), budget, _MAX_CONFIG), name, budget)
    if form in (Form.KERNEL_IMAGE, Form.ELF):
        kernel = unpack_image(data, budget) if form is Form.KERNEL_IMAGE else data
        found = config_in(kernel, budget)
        if found is None:
            raise ParseError("this kernel does not bring its configuration (CONFIG_IKCONFIG)")
        return found
    if form in (Form.CONFIG, Form.TEXT, Form.EMPTY) or b"CONFIG_" in data:
        return data
    raise ParseError(
        f"this is {describe(data[:HEAD], name)} and not a kernel's configuration; give "
        "/boot/config-$(uname -r) or /proc/config.gz"
    )


def kconfig_value(config: Mapping[str, str], name: str) -> int | None:
    """Return the number that a program sees in a kconfig extern.

    None where the configuration does not set it (libbpf leaves a weak extern 0, and refuses a
    strong one), and where it is a string or beyond 64 bits.
    """
    text = config.get(name)
    if text is None:
        return None
    if text in _TRISTATE:
        return _TRISTATE[text]
    try:
        value = int(text, 0)
    except ValueError:
        return None
    return value if -(1 << 63) <= value < 1 << 64 else None
