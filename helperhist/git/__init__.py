"""A repository, read only: tags, trees, blobs, commits; not what the files mean."""

from helperhist.git.commits import CommitInfo
from helperhist.git.files import ObjectTooLarge
from helperhist.git.limits import limited_memory
from helperhist.git.open import tune_libgit2
from helperhist.git.partial import fetched_headers
from helperhist.git.repository import KERNEL_PATHS, Repository, read_at
from helperhist.git.shortcut import GraphDisagrees
from helperhist.git.tags import DEFAULT_TAGS, TagRef
from helperhist.git.trees import Trees
from helperhist.git.watch import State, Watch

__all__ = [
    "DEFAULT_TAGS",
    "KERNEL_PATHS",
    "CommitInfo",
    "GraphDisagrees",
    "ObjectTooLarge",
    "Repository",
    "State",
    "TagRef",
    "Trees",
    "Watch",
    "fetched_headers",
    "limited_memory",
    "read_at",
    "tune_libgit2",
]
