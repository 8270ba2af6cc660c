"""Timelines on disk, and the embedded one."""

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
    "check_folder",
    "data_home",
    "default_source",
    "has_dataset",
    "is_plain_name",
    "load",
    "read_dataset",
    "remember_scan",
    "write_dataset",
]
