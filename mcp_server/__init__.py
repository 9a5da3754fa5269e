"""The library as an MCP server: tools that call it, and nothing of its own about designs."""
