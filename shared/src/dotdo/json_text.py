"""Answers that are JSON text where they come from, and are passed on as they are."""

from dotdo.model import Model


class JsonText(str):
    """In place of a contract's result: the same as text, with the names its surface has. Nothing checks it again."""

    __slots__ = ()


def json_object(*, camel: bool, **members: JsonText | Model) -> JsonText:
    """An object with these members, in their order. `camel`: models have the names of RPC in it, not those of HTTP."""
    texts = (
        f'"{name}":{value if isinstance(value, JsonText) else value.model_dump_json(by_alias=camel)}'
        for name, value in members.items()
    )
    return JsonText(f"{{{','.join(texts)}}}")
