"""The errors of the library.

EdvizError
├── DesignError      a design or an override that contradicts itself or the data
├── GrammarError     a text that is not in the edviz language
├── H5adError        a file that cannot be read as .h5ad
├── JobError         a job that cannot be started, found or ended
└── OutputError      a result that cannot be written
"""


class EdvizError(Exception):
    """Base of every error that a user can act on; its text is one complete sentence."""


class DesignError(EdvizError, ValueError):
    """A design, or something said about one, that contradicts itself or the data."""


class GrammarError(EdvizError, ValueError):
    """A text that is not in the edviz language.

    Attributes
    ----------
    line, column
        Place of the first character that does not fit, both from 1.
    """

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class H5adError(EdvizError, ValueError):
    """A file that cannot be read as .h5ad, or a part of it that cannot."""


class JobError(EdvizError, RuntimeError):
    """A job that cannot be started, found or ended."""


class OutputError(EdvizError, OSError):
    """A result that cannot be written."""
