"""What tools answer: results cut to a readable length, with what to do next.

reply.py        a result and how much of it is said
concise.py      what is left out of each result unless all is asked for
pages.py        long lists in pieces
texts.py        names from files, which may hold anything
next_steps.py   what to do with a result
"""

from mcp_server.replies.pages import Page
from mcp_server.replies.reply import Reply, Shape

__all__ = ["Page", "Reply", "Shape"]
