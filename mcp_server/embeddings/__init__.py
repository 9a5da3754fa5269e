"""Embeddings: two dimensions for many cells, kept beside the data, and pictures of them.

sources.py      what a file, a run or an embedding holds
reading.py      coordinates and columns of an .h5ad file
expression.py   principal components of counts
sampling.py     which cells, where there are too many
neighbours.py   exact nearest neighbours, and what they say of a picture
tsne.py, umap.py, pca.py   one method each
backends.py     what computes t-SNE: this machine, its GPU, a server
embedding.py    the whole of it: from a source to a file
store.py        the file
job.py          the same as a job
picture.py      asks for a plot, from any process
drawing.py      draws it, in a process of its own
colours.py, captions.py, legends.py, panels.py   parts of a plot

Matplotlib, openTSNE, umap-learn and scikit-learn are imported where they are used, never by the server.
"""
