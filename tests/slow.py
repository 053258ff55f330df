"""What `make test` leaves to `make test-all`: by the beginning of a test's id, and why it takes long."""

SLOW = {
    "tests/kafka/": "a real Kafka, processes that start and stop, and waits of theirs",
    "tests/web/test_browser.py": "a real browser",
    "tests/web/test_behind_proxy.py": "a real browser",
    "tests/explore/": "plays every short history",
    "tests/fuzz/": "half a minute of fuzzing",
    "tests/web/test_fuzz.py": "requests of every kind to every route",
    "tests/budgets/": "hostile messages, a process each",
    "tests/domain/test_lifecycle_machine.py": "long random stories",
    "tests/domain/test_bounds.py": "states of many megabytes",
    "tests/docs/test_commands.py::test_the_commands_of_a_page_run[docs/how-to/replay.md]": "a dozen replays",
    "tests/docs/test_commands.py::test_the_tutorial": "a newcomer's first quarter of an hour",
    "tests/domain/test_budgets.py": "cities of thousands of warnings",
    "tests/domain/test_impact.py::test_every_real_message": "each real message by the plain method, too",
    "tests/geofences/test_matching_figures.py": "the benchmarks, on few fences",
    "tests/upgrade/": "the previous release, side by side",
}


def why_slow(test: str) -> str | None:
    return next((reason for begin, reason in SLOW.items() if test.startswith(begin)), None)
