"""Answers as text, JSON and annotations: a module for each command's answer, and ``terminal``."""

__all__ = ["check", "github", "kernel", "terminal"]
