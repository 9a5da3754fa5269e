"""Reading what an .h5ad file says of its observations, without reading its matrices."""
