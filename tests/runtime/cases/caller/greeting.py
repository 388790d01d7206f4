"""What the caller says; a test edits a copy of this file."""

GREETING = "hello"
