"""Long work behind a short answer: a job is a folder on disk, and its worker outlives whoever started it."""
