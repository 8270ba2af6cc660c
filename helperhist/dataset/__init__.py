"""Timelines on disk, and the embedded one."""

from helperhist.dataset.shelf import Shelved, covers, data_line, datasets, remove, verify
from helperhist.dataset.store import (
    FORMAT,
    check_folder,
    choose,
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
    "Shelved",
    "check_folder",
    "choose",
    "covers",
    "data_home",
    "data_line",
    "datasets",
    "default_source",
    "has_dataset",
    "is_plain_name",
    "load",
    "read_dataset",
    "remember_scan",
    "remove",
    "verify",
    "write_dataset",
]
