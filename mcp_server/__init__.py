"""The library as an MCP server, and the subjects beside the design: jobs, GEO, training, embeddings."""
