"""The command line: commands and options."""
