"""Look at the timeline of a start that a process has written."""
