"""Every known defect has a test that is named after it, or a reason why it does not apply.

A is auth, D the data layer, G the gateway, O deploying, S schedule. A test of several defects has all their ids in its name.
"""

import re
from pathlib import Path

KNOWN = {"A": range(1, 36), "D": range(1, 38), "G": range(27), "O": range(1, 17), "S": range(1, 29)}

NOT_APPLICABLE = {
    **dict.fromkeys(("A_27", "A_28", "A_29", "A_30", "A_31"), "no tokens of third parties are fetched or kept"),
    "D_23": "OAuth tokens are the auth service's",
    "D_34": "nothing here is TypeScript; that every module imports is D_29",
    "D_36": "the service has no tools for models; what the gateway offers goes through the contract and its rights",
    "O_8": "there are no tiers, so none to contradict",
    "O_14": "no generator writes sources",
    "S_24": "no import of what is not there: mypy reads every module",
    "S_26": "nothing is copied between the stores",
    "S_28": "no test mocks a method by its name: the fakes implement the protocols that the code calls, and mypy compares them",
}


def test_every_known_defect_is_tested_or_does_not_apply() -> None:
    known = {f"{letter}_{number}" for letter, numbers in KNOWN.items() for number in numbers}
    names = [
        name
        for file in Path(__file__).parent.glob("test_*.py")
        for name in re.findall(r"def test_(\w+)", file.read_text())
    ]
    tested = {id for name in names for id in re.findall(r"[A-Z]_\d+(?=_)", name)}
    assert (tested & NOT_APPLICABLE.keys(), tested | NOT_APPLICABLE.keys()) == (set(), known)
