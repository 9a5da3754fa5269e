"""The tools of the server, one file for each subject."""
