"""The same training of scVI in less time and memory: a likelihood of sparse counts, and counts that stay sparse.

`speed_up(model)` sets a data splitter and a training plan on a plain `scvi.model.SCVI`, which stays what it is: its
`train`, `save` and `load` are those of scvi-tools. What is not covered is trained by scvi-tools as it is, and a notice
says so.
"""
