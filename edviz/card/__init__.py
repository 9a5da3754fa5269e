"""The design card: what was done, what it allows, and how every number was obtained."""

from edviz.card.writing import CardResult, make_card, write_card

__all__ = ["CardResult", "make_card", "write_card"]
