"""What every folder of tests may use: the running platform of tests/e2e, and a browser; each starts when it is asked for."""

pytest_plugins = ("tests.e2e.fixtures", "tests.browsers")
