"""Kernel versions: parse a tag, order release candidates before the final, print."""

import re
from dataclasses import dataclass, field

from helperhist.errors import InvalidVersion

__all__ = ["OWN_BUILD", "KernelVersion", "Written", "natural_key", "read_version"]

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

# What stands before the numbers in names of archives and folders, and in prose.
_PREFIX = re.compile(r"(?:linux|kernel)[- ]?(?=v?[0-9])", re.IGNORECASE)
# A candidate inside of a build: Fedora's 6.12.0-0.rc3.20241014git.30.fc42, Debian's
# 6.12~rc6-1~exp1, and 6.8.0-060800rc3-generic of Ubuntu's mainline builds.
_RC_IN_BUILD = re.compile(r"(?<![a-z])rc([0-9]{1,9})(?![0-9])", re.ASCII)
# linux-next is made of what comes after a release, and goes into the one after it.
_NEXT = re.compile(r"-next-[0-9]{8}")

#: How the builds of a family end in ``uname -r``. The first that fits names it.
_FAMILIES = tuple(
    (re.compile(pattern, re.ASCII), family)
    for pattern, family in (
        (r"microsoft", "WSL2 (Microsoft)"),
        (r"-android[0-9]", "Android"),
        (r"\.amzn[0-9]", "Amazon Linux"),
        (r"uek\b", "Oracle Linux (UEK)"),
        (r"\.el[0-9]", "RHEL, or a distribution made from it"),
        (r"\.fc[0-9]", "Fedora"),
        (r"\.(?:azl|cm)[0-9]", "Azure Linux"),
        (r"-arch[0-9]|-(?:zen|hardened|lts)[0-9-]*$", "Arch Linux"),
        (r"-cachyos", "CachyOS"),
        (r"-pve", "Proxmox VE"),
        (r"-gentoo", "Gentoo"),
        (r"linuxkit|orbstack", "a container desktop"),
        (r"-rpi|-v[78]l?(?:-16k)?\+|-raspi", "Raspberry Pi"),
        (r"-tegra", "NVIDIA Jetson"),
        (r"\+(?:deb[0-9]|bpo)|-[0-9]+-(?:cloud-|rt-)?(?:686|amd64|arm64|armmp|s390x)", "Debian"),
        (r"-generic|-lowlatency|-(?:aws|azure|gcp|gke|ibm|kvm|oem|oracle)\b", "Ubuntu"),
        (r"-default\b|-(?:lp)?15[0-9]{4}", "SUSE"),
        (r"-virt\b", "Alpine Linux"),
        (r"-talos|-flatcar|-cos\b", "a container host"),
    )
)

#: The family of a build that none of them is known to make.
OWN_BUILD = "a build of its own"

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
                f"{text[:60]!r} is not a kernel version; write it as 5.10, 5.10.42, 5.10-rc3 "
                "or as `uname -r` prints it"
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


@dataclass(frozen=True, slots=True)
class Written:
    """A version as somebody wrote it, and what is known of kernels that are called so.

    :ivar version: a candidate is one without its build: what it has lies between two releases
    :ivar family: who makes kernels with such a build, "a build of its own" where that is not
        known; None for mainline, its updates and its candidates
    """

    text: str
    version: KernelVersion
    family: str | None = None


def read_version(text: str) -> Written:
    """Read a version as people write it: ``5.10``, ``linux-5.4``, or what ``uname -r`` prints.

    :raises InvalidVersion: it is empty, or has another form

    >>> read_version("5.14.0-503.el9").family
    'RHEL, or a distribution made from it'
    >>> str(read_version("5.8-rc7+").version)
    '5.8-rc7'
    """
    bare = text.strip()
    if not bare:
        raise InvalidVersion("an empty text is not a kernel version; write it as 5.10")
    version = KernelVersion.parse(_PREFIX.sub("", bare, count=1))
    if version.rc is None and (candidate := _RC_IN_BUILD.search(version.build)):
        version = KernelVersion.parse(f"{version.series}-rc{candidate[1]}")
    if version.rc is not None:
        number = f"{version.series}.{version.patch}-rc{version.rc}"
        return Written(bare, KernelVersion.parse(number))
    if not version.build:
        return Written(bare, version)
    if _NEXT.search(version.build):
        return Written(bare, version, "linux-next")
    found = (family for pattern, family in _FAMILIES if pattern.search(version.build))
    return Written(bare, version, next(found, OWN_BUILD))
