"""What a design allows: comparisons, their units and models, batch keys."""
