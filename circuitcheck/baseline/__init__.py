"""Regression gates: what runs measured is kept in a file that users commit, and later runs are held against it.

In: `RunResults`. Out: a `Baseline`, and per claim whether its verdict got worse or its effect moved.

    records    the file, and its text           saving      from a run to the file
    provenance what numbers were measured with  reading     runs and files by name
    questions  what a claim measures            pairing     the same claim, the same prompts
    change     how far one part moved           comparing   what that says of the claims of a file
    wording    sentences                        tables      several runs side by side
"""
