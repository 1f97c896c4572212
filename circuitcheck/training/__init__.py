"""How the bundled model `ioi-mini` and its dictionaries are made: corpus, tokenizer, training, evaluation, card.

Nothing here is needed to check circuits. `python -m circuitcheck.training --help` runs it.
"""
