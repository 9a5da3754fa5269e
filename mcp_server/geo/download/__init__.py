"""Files of a server, brought into a folder whole and checked, or not at all; what was begun is gone on with."""
