"""The text diagram of a design."""
