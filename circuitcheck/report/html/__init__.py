"""The report page: one self-contained HTML file per run, and one that compares two runs.

In: `RunResults`. Out: HTML text that needs no network and no JavaScript. Whatever comes from circuit
files, prompts and models is other people's text, and is escaped.
"""
