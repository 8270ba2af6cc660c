"""Kfuncs in a generated header: which, and how they are declared beside any ``vmlinux.h``."""

from helperhist.header.kfuncs.beside import MAX_VMLINUX, Beside, read_beside
from helperhist.header.kfuncs.section import Section, make_section

__all__ = ["MAX_VMLINUX", "Beside", "Section", "make_section", "read_beside"]
