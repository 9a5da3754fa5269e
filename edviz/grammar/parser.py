"""Text to design."""

from __future__ import annotations

from edviz.grammar.lines import unify_newlines
from edviz.grammar.meaning import design_of
from edviz.grammar.mistakes import MistakeError, grammar_error
from edviz.model import Design


def loads(text: str) -> Design:
    """Read a design from a text in the edviz language.

    Parameters
    ----------
    text
        One statement a line, such as ``Donor(4) > Sample(2) > Cell(~5000) : CellType(12)``.

    Raises
    ------
    GrammarError
        If the text is not in the language, a factor has no size or two, or the statements contradict
        each other. The message shows the place.

    Examples
    --------
    >>> design = loads("Donor(4) > (Sample(2) × Stimulus(3))")
    >>> design.names
    ('Donor', 'Sample', 'Stimulus')
    """
    # Not at the top: lark is needed by nothing else in the library, and it takes long to import.
    from edviz.grammar.syntax import parse

    text = unify_newlines(text)
    try:
        return design_of(parse(text))
    except MistakeError as mistake:
        raise grammar_error(text, mistake) from None
