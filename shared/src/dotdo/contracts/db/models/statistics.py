"""How much there is."""

from dotdo.model import Key, Model


class NamespaceCount(Model):
    ns: str
    count: int


class TypeCount(Model):
    type: str
    count: int


class Totals(Model):
    """`estimated`: above 100 000 rows the totals are the planner's."""

    things: int
    relationships: int
    things_with_embeddings: int
    estimated: bool


class Stats(Model):
    things_by_namespace: list[NamespaceCount]
    relationships_by_type: list[TypeCount]
    totals: Totals


class TypesQuery(Model):
    ns: Key | None = None


class TypeList(Model):
    data: list[TypeCount]
