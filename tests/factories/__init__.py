"""Makes what experiments measure, without measuring; a file for each newer kind."""
