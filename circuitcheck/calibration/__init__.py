"""How often verdicts are wrong, measured: `python -m circuitcheck.calibration` writes docs/CALIBRATION.md.

trials     what came of some runs, and the file that finished ones are kept in
shapes     simulated effects whose mean is known       simulated    their verdicts, look by look
wired      claims on planted models                    agenda       all that is run, in order
rows       trials counted together, and the gates      page         the tables as Markdown and JSON
"""
