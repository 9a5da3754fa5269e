"""Finding the design in a table of factors."""
