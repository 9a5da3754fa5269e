"""Training scVI on raw counts as the design of the experiment allows; scvi-tools is imported by the worker alone."""
