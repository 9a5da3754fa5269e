"""The edviz language: text to design and back."""
