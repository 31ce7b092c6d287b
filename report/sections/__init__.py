"""What several experiments say together: figures made of what each of them measured."""
