"""What a dataset says of itself: ``metadata.json``, from and to text."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from helperhist.dataset.cells import content, reason, require
from helperhist.dataset.swap import File
from helperhist.errors import DatasetError
from helperhist.timeline import Metadata

__all__ = ["FORMAT", "METADATA", "parse_metadata", "render_metadata"]

#: Format of the datasets that this version reads and writes.
FORMAT = 1
METADATA = "metadata.json"

_TEXT, _MAYBE = (str,), (str, type(None))
#: What the values of the metadata are, other than lists.
_TYPES: dict[str, tuple[type, ...]] = {
    "source": _TEXT, "pattern": _TEXT, "head": _MAYBE, "time": _MAYBE, "tags": (int,),
    "newest": _MAYBE, "commits": (bool,), "kernel": (bool,),
    "version": _TEXT,
}  # fmt: skip


def parse_metadata(data: File, folder: Path) -> Metadata:
    """Return what a dataset says of itself.

    :raises DatasetError: it is missing, damaged or of another format
    """
    path = folder / METADATA
    try:
        raw: dict[str, Any] = json.loads(content(data).decode("utf-8"))
        found = raw["format"]
        if found != FORMAT:
            raise DatasetError(
                f"{path} has format {str(found)[:20]!r}, this helperhist reads {FORMAT}; scan again"
            )
        for key in ("paths", "notes", "shallow"):
            require(isinstance(raw[key], list), f"its {key} are no list")
            require(all(isinstance(item, str) for item in raw[key]), f"its {key} are no texts")
            raw[key] = tuple(raw[key])
        for key, kinds in _TYPES.items():
            # type(): JSON's true is no number, though Python's is.
            require(type(raw[key]) in kinds, f"its {key} is of another type")
        # Datasets had none before sources of whole trees were read.
        raw.setdefault("sources", {})
        for key in ("skipped", "sources"):
            require(isinstance(raw[key], dict), f"its {key} is of another type")
            raw[key] = tuple(sorted(raw[key].items()))
            numbers = all(type(count) is int for _, count in raw[key])
            require(numbers, f"its {key} has no numbers")
        return Metadata(**raw)
    except FileNotFoundError as error:
        raise DatasetError(f"no dataset at {folder}; make one with `scan`") from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{path} is damaged ({reason(error)}); scan again") from error


def render_metadata(found: Metadata) -> str:
    """Return the file."""
    metadata = asdict(found)
    for key in ("skipped", "sources"):
        metadata[key] = dict(metadata[key])
    if not metadata["sources"]:
        del metadata["sources"]
    return json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
