"""What each verb needs measured, and what the numbers say; one module per family of verbs.

In: a `Claim` of a circuit file and, later, the `Measurement` of what it asked for.
Out: `Request`s, then a `Verdict`. No torch.
"""
