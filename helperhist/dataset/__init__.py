"""Timelines on disk, and the embedded one."""

from helperhist.dataset.kfuncs import Kfunc, kfunc
from helperhist.dataset.store import (
    FORMAT,
    check_folder,
    data_home,
    default_source,
    has_dataset,
    is_plain_name,
    load,
    read_dataset,
    remember_scan,
    write_dataset,
)

__all__ = [
    "FORMAT",
    "Kfunc",
    "check_folder",
    "data_home",
    "default_source",
    "has_dataset",
    "is_plain_name",
    "kfunc",
    "load",
    "read_dataset",
    "remember_scan",
    "write_dataset",
]
