"""Many files at once: finding them, working on each in a process of its own, and the table of their designs."""
