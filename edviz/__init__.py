"""edviz: find, say and draw the experimental design of a single-cell data set."""
