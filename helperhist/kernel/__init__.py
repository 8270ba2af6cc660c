"""What one particular kernel has: its BTF, and what an object asks of it."""
