"""Many files at once: finding them, working on each in a process of its own, and the table of their designs."""

from __future__ import annotations

from edviz.collection.files import Files, find_files, is_one_file
from edviz.collection.processes import records
from edviz.collection.record import Record, record_of

__all__ = ["Files", "Record", "find_files", "is_one_file", "record_of", "records"]
