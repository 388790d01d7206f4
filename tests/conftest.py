"""What every folder of tests may use: the running platform of tests/e2e, started when the first test asks for it."""

pytest_plugins = ("tests.e2e.fixtures",)
