"""Kernel versions: parse a tag, order release candidates before the final, print."""

import re
from dataclasses import dataclass, field

from helperhist.errors import InvalidVersion

__all__ = ["KernelVersion", "natural_key"]

# Digits are bounded: int() of a hostile tag with thousands of digits would take long or raise.
_VERSION = re.compile(
    r"""
    v?
    (?P<major>[0-9]{1,9}) \. (?P<minor>[0-9]{1,9})
    (?: \. (?P<patch>[0-9]{1,9}) )?
    (?: -rc (?P<rc>[0-9]{1,9}) )?
    (?P<build> [-.+_~] [0-9A-Za-z.+_~-]{1,100} )?
    """,
    re.VERBOSE | re.ASCII,
)
_DIGITS = re.compile(r"([0-9]+)", re.ASCII)

# The last minor number of mainline under each major one, since there is the header.
_LAST_MINOR = {3: 19, 4: 20, 5: 19, 6: 19}

# No release candidate: sorts after every numbered one.
_FINAL = 1 << 31


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which runs of digits compare as numbers.

    >>> sorted(["305.el8", "80.el8", "147.el8"], key=natural_key)
    ['80.el8', '147.el8', '305.el8']
    """
    return tuple(
        (1, int(part[:18]), part) if index % 2 else (0, 0, part)
        for index, part in enumerate(_DIGITS.split(text))
    )


@dataclass(frozen=True, slots=True, order=True)
class KernelVersion:
    """A version of the kernel, in the order in which kernels are made.

    ``5.8-rc7 < 5.8 < 5.8.1 < 5.9``, ``4.9 < 4.10``, ``4.20 < 5.0``. ``5.10.0`` is 5.10, as mainline
    names it. What follows the numbers in a distribution's version (``5.4.0-42.46``,
    ``4.18.0-305.el8``) is the build; builds sort after the bare version.
    """

    _key: tuple[int, int, int, int, tuple[tuple[int, int, str], ...]] = field(repr=False)
    major: int = field(compare=False)
    minor: int = field(compare=False)
    patch: int = field(compare=False)
    rc: int | None = field(compare=False)
    build: str = field(compare=False)
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> "KernelVersion":
        """Parse ``5.10``, ``v5.10``, ``v5.10-rc3``, ``5.10.42`` or ``5.4.0-42.46``.

        :raises InvalidVersion: the text has another form.
        """
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise InvalidVersion(
                f"{text[:60]!r} is no kernel version; write it as 5.10, 5.10.42 or 5.10-rc3"
            )
        major, minor, patch = (int(match[part] or 0) for part in ("major", "minor", "patch"))
        rc = None if match["rc"] is None else int(match["rc"])
        build = match["build"] or ""
        if build:
            # A distribution's own spelling is the name under which its users know the version.
            shown = match[0].removeprefix("v")
        else:
            shown = f"{major}.{minor}"
            shown += f".{patch}" if patch else ""
            shown += "" if rc is None else f"-rc{rc}"
        # An empty build must sort first, and natural_key("") is not the empty tuple.
        build_key = natural_key(build) if build else ()
        key = (major, minor, patch, _FINAL if rc is None else rc, build_key)
        return cls(key, major, minor, patch, rc, build, shown)

    @property
    def series(self) -> str:
        """``5.10`` of 5.10-rc3, 5.10 and 5.10.42."""
        return f"{self.major}.{self.minor}"

    @property
    def is_stable(self) -> bool:
        """Whether this is an update of a release (``5.10.42``), and so not on the mainline."""
        return self.patch > 0 and not self.build

    @property
    def release(self) -> str:
        """The release that this is, or leads to: ``5.8`` of 5.8 and of 5.8-rc7."""
        return self.text if self.rc is None else self.text.replace(f"-rc{self.rc}", "", 1)

    def follows(self, older: "KernelVersion", *, kernel: bool = False) -> bool:
        """Whether no release of mainline lies between an older version and this one.

        The kernel numbers its releases without gaps: 4.19, 4.20, 5.0. Where a distribution's
        builds are, nothing can be told from the numbers, and the answer is yes.

        :param kernel: whether the versions are the kernel's own, where 4.20 came before 5.0

        >>> KernelVersion.parse("5.0").follows(KernelVersion.parse("4.20"))
        True
        >>> KernelVersion.parse("5.10-rc1").follows(KernelVersion.parse("5.8"))
        False
        """
        if self.build or older.build:
            return True
        if self.major == older.major:
            return self.minor - older.minor <= 1
        # Which number was the last before a new first one is nobody's rule.
        last = _LAST_MINOR.get(older.major, 0) if kernel else 0
        return self.minor == 0 and self.major == older.major + 1 and older.minor >= last

    def __str__(self) -> str:
        return self.text
