"""What a message of the verifier, a loader or a compiler says about kernels."""

from helperhist.explain.messages import Finding, explain, iter_lines

__all__ = [
    "Finding",
    "explain",
    "iter_lines",
]
