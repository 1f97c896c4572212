"""Reports: one set of verdicts, drawn as terminal pages, JSON, JUnit properties and Markdown.

In: verdicts (`circuitcheck.verdict`) and what a check gives back. Out: text and plain data. No torch.
"""
