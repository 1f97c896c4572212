"""The store outlives its process; `kill_moments.py` tries more moments than this."""

from kill_moments import killed_at


def test_a_run_that_is_killed_at_any_moment_goes_on_where_it_was(tmp_path):
    assert killed_at(tmp_path, 3) > 0, "no kill came late enough to prove anything"
