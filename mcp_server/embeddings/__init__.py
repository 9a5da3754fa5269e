"""Embeddings: two dimensions for many cells, kept beside the data, and pictures of them.

requests.py     what can be asked for
sources.py      what a file, a run or an embedding holds
reading.py      coordinates and columns of an .h5ad file
expression.py   principal components of counts
sampling.py     which cells, where there are too many
neighbours.py   exact nearest neighbours, and what they say of a picture
tsne.py, umap.py, pca.py   one method each
backends.py     what computes t-SNE: this machine, its GPU (cuml.py), a server (remote.py, serving.py)
embedding.py    the whole of it: from a source to a file (store.py); job.py does it as a job
picture.py      asks for a plot, from any process; child.py draws it in a process of its own
views.py        the cells of a plot with their columns
blocks.py       its panels with colours (colours.py) and legends
drawing.py      drawn, with labels where there is room (placing.py)
captions.py     what is said of it

Matplotlib, openTSNE, umap-learn and scikit-learn are imported where they are used, never by the server.
"""
