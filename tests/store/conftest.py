"""The one flag of `kill_moments.py`."""


def pytest_addoption(parser):
    parser.addoption("--moments", type=int, help="how often kill_moments.py kills a run (default: 50)")
