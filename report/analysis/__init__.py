"""Records -> quantities -> estimates."""
