"""Series of GEO that have .h5ad files: found, looked into and downloaded."""
