"""The first course: a few dozen phrases, simple enough for a circuit with two stages to form in them."""
