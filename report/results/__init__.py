"""Result files: what they hold, and where they lie."""
