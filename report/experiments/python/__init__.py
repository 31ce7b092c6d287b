"""A person's own code, measured like the chapter's."""
