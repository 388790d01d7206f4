"""What commands that measure write into the pages for people: the text between two marks."""

from pathlib import Path


def put_between_marks(page: Path, command: str, text: str) -> None:
    """Replaces what `make COMMAND` wrote there before. A page without its marks is left as it is."""
    begin, end = marks(command)
    before, _, rest = page.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if found:
        page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")


def marks(command: str) -> tuple[str, str]:
    return f"<!-- {command}: written by make {command} -->", f"<!-- {command}: end -->"
