"""Kconfig externs of an object against the configuration of a kernel.

The rules are libbpf's (``bpf_object__resolve_externs``): what the configuration does not set is 0
if it is weak, and a reason not to load if it is strong.
"""

from collections.abc import Mapping

from helperhist.binary import SHN_UNDEF, BpfObject
from helperhist.check.needs import Unknown
from helperhist.check.verdict import TooNew
from helperhist.kernel import kconfig_value

__all__ = ["kconfig_values", "missing_kconfig"]

_PREFIX = "CONFIG_"


def _externs(obj: BpfObject) -> Mapping[str, bool]:
    """Return whether each is weak."""
    found = {}
    for symbol in obj.elf.symbols_of(SHN_UNDEF):
        extern = obj.extern_of(symbol.name)
        if extern is not None and extern.kind == "kconfig" and symbol.name.startswith(_PREFIX):
            found[symbol.name] = extern.weak
    return found


def kconfig_values(obj: BpfObject, config: Mapping[str, str]) -> dict[str, int]:
    """Return what programs read in the externs, as far as it is a number."""
    found = {}
    for name, weak in _externs(obj).items():
        value = kconfig_value(config, name)
        if value is None and weak and name not in config:
            value = 0
        if value is not None:
            found[name] = value
    return found


def missing_kconfig(obj: BpfObject, config: Mapping[str, str]) -> tuple[TooNew, ...]:
    """Return the externs without which the object does not load."""
    reason = "not set in this kernel's configuration, and the extern is not __weak"
    return tuple(
        TooNew(Unknown("kconfig", name, reason), True, reason)
        for name, weak in _externs(obj).items()
        if not weak and name not in config
    )
