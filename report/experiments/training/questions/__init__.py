"""What a training experiment can be asked: one question a module, with figure, table and words."""
