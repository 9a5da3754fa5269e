"""Training of models of cells; scvi-tools and torch are imported by the worker only."""
