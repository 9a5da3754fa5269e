"""How many cells are held in memory where counts are read from the file."""

ROWS_IN_BLOCK = 256
"""Rows that are read together."""
BLOCKS_IN_POOL = 16
"""Blocks whose rows are shuffled together; more mix cells better and take more memory."""
