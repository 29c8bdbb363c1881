"""Grading of submitted exercises: intake, a sandboxed run, hidden tests, scores, feedback. `minigan grade` runs it."""
