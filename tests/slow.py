"""What `make test` leaves to `make test-all`: by the beginning of a test's id, and why it takes long."""

SLOW = {
    "tests/feeds/test_two_pollers.py": "pollers that are killed and wait for one another",
    "tests/feeds/test_burst.py": "five hundred warnings through a broker",
    "tests/feeds/test_faults.py": "every fault of a server, one after the other",
    "tests/feeds/test_damaged_zip.py::test_any_one_damaged_byte": "each byte of an archive",
    "tests/feeds/test_archive.py::test_after_a_fault_at_any_step": "a fault at each step",
    "tests/geofences/test_tangled_files.py": "files of a million points",
    "tests/replay/test_through_broker.py": "replays through a broker, beside the pure functions",
    "tests/replay/test_report.py::test_axe": "a real browser",
    "tests/streams/test_clocks.py": "each clock wrong in each way",
    "tests/streams/test_demo.py::test_the_storm_is_the_same": "a storm through a broker",
    "tests/streams/test_trial.py": "decisions that hang in processes of their own",
    "tests/test_cli.py::test_a_signal_ends_the_demo": "a demo that starts and ends",
    "tests/test_cli.py::test_up_says": "a system that starts and ends",
    "tests/web/test_descriptors.py": "a process without descriptors, and waits",
    "tests/web/test_guard.py": "floods of connections, and waits",
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
