"""Benchmarks: circuitcheck's engine against `run_with_hooks`, and against the arithmetic that the work takes.

`python -m benchmarks` prints a table and writes JSON. Reading order: `models` and `prompts` (on what),
`works` (what is asked), `sides`, `hooked`, `plain_hooks` and `spliced` (who answers), `floor` and `rates` (what it
has to cost), `tuning`, `sampling`, `rounds` and `duel` (how it is timed), `circuits` and `claims` (whole files),
`row`, `table` and `record` (what comes out).
"""
