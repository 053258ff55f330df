"""What `make test` leaves to `make test-all`: by the beginning of a test's id, and why it takes long."""

SLOW = {
    "tests/cap/test_once.py::test_a_message_read_once": "two thousand messages, each read twice",
    "tests/feeds/test_two_pollers.py": "pollers that are killed and wait for one another",
    "tests/feeds/test_scenario.py::test_bundled_story_has_the_form": "every story, message by message",
    "tests/feeds/test_burst.py": "five hundred warnings through a broker",
    "tests/feeds/test_faults.py": "every fault of a server, one after the other",
    "tests/feeds/test_damaged_zip.py::test_any_one_damaged_byte": "each byte of an archive",
    "tests/feeds/test_archive.py::test_after_a_fault_at_any_step": "a fault at each step",
    "tests/geofences/test_tangled_files.py": "files of a million points",
    "tests/geofences/test_many_districts.py::test_hostile": "hostile outlines over thousands of districts",
    "tests/geofences/test_index_equals_plain.py": "thousands of made-up outlines, each by two methods",
    "tests/replay/test_commands.py::test_stories_are": "every story told",
    "tests/replay/test_replay.py::test_of_five_hundred": "five hundred messages",
    "tests/replay/test_replay.py::test_story_tells_everybody_what_its_golden_file_says[bernd]": "a long story",
    "tests/replay/test_replay.py::test_story_tells_everybody_what_its_golden_file_says[flood]": "a long story",
    "tests/replay/test_through_broker.py": "replays through a broker, beside the pure functions",
    "tests/replay/test_report.py::test_axe": "a real browser",
    "tests/replay/test_report.py::test_a_mark": "a real browser",
    "tests/replay/test_report.py::test_it_opens_from_disk": "a real browser",
    **{
        f"tests/replay/test_report.py::test_{name}": "a real browser"
        for name in ("a_click", "tab_reaches", "without_script", "marks_are_large", "on_paper")
    },
    "tests/streams/test_clocks.py": "each clock wrong in each way",
    "tests/streams/test_demo.py::test_the_storm_is_the_same": "a storm through a broker",
    "tests/streams/test_figures.py::test_hard_ends": "processes that are killed",
    "tests/streams/test_pages_end.py::test_every_process_ends": "each kind of process starts and ends",
    "tests/streams/test_watchdog.py::test_a_step_that_blocks": "waits of its own",
    "tests/streams/test_worker.py::test_a_start_that_hangs": "waits of its own",
    "tests/streams/test_trial.py": "decisions that hang in processes of their own",
    "tests/tools/test_double_names.py::test_what_is_meant": "reads the whole tree several times",
    "tests/test_supervisor.py::test_a_signal_reaches": "processes that wait for one another",
    "tests/test_quarter_cells.py::test_a_district_with_all_cells": "each of the 27 cities with quarters",
    "tests/test_quarter_cells.py::test_the_cell_that_a_city": "each of the 27 cities with quarters",
    "tests/test_quarter_cells.py::test_init_proposes": "each of the 27 cities with quarters",
    "tests/test_quarter_cells.py::test_init_refuses_the_cell": "each of the 27 cities with quarters, twice",
    "tests/test_cli.py::test_a_process_that_a_dead_broker": "waits of its own",
    "tests/test_moved.py::test_an_old_name_is_found": "a process for each old name",
    "tests/test_patterns.py::test_no_pattern_takes_longer": "each pattern on a hundred thousand characters",
    "tests/test_cli.py::test_a_signal_ends_the_demo": "a demo that starts and ends",
    "tests/test_cli.py::test_up_says": "a system that starts and ends",
    "tests/web/test_qr.py::test_from_ten_to_six": "a real browser",
    "tests/web/test_qr.py::test_whatever_is_in_force": "a real browser",
    "tests/web/test_qr.py::test_without_a_script": "a real browser",
    "tests/web/test_cap_reader.py::test_a_public_reader": "days of a feed, asked every few minutes",
    "tests/web/test_passwords.py::test_twenty_requests": "passwords are hashed slowly on purpose",
    "tests/web/test_odd_requests.py::test_no_path_and_no_query": "made-up requests to each route",
    "tests/web/test_odd_requests.py::test_no_header": "made-up headers to each route",
    "tests/web/test_descriptors.py": "a process without descriptors, and waits",
    "tests/web/test_sites.py::test_who_is_signed_in_stays_so": "waits of its own",
    "tests/web/test_guard.py": "floods of connections, and waits",
    "tests/kafka/": "a real Kafka, processes that start and stop, and waits of theirs",
    "tests/cli/test_wrong_paths.py::test_a_wrong_path_ends_each_command": "every command, once for each of its paths",
    "tests/feeds/test_wrong_start.py": "the first minutes of a feed, for each wrong clock",
    "tests/geofences/test_geofence_files.py::test_any_json": "hundreds of made-up files",
    "tests/cli/test_demo.py": "demos that start and end",
    "tests/web/test_browser.py": "a real browser",
    "tests/web/test_desk_browser.py": "a real browser",
    "tests/web/test_layout.py": "a real browser",
    "tests/web/test_card.py": "a real browser",
    "tests/web/test_start_browser.py": "a real browser",
    "tests/web/test_gallery.py": "a real browser",
    "tests/web/test_stream_clients.py": "a storm through two processes, with waits, and a real browser",
    "tests/web/test_behind_proxy.py": "a real browser",
    "tests/explore/": "plays every short history",
    "tests/fuzz/": "half a minute of fuzzing",
    "tests/web/test_fuzz.py": "requests of every kind to every route",
    "tests/web/test_openapi.py": "thirty requests and more to each operation",
    "tests/budgets/": "hostile messages, a process each",
    "tests/domain/test_lifecycle_machine.py": "long random stories",
    "tests/domain/test_bounds.py": "states of many megabytes",
    "tests/docs/test_commands.py::test_the_commands_of_a_page_run[docs/how-to/replay.md]": "a dozen replays",
    "tests/docs/test_commands.py::test_the_tutorial": "a newcomer's first quarter of an hour",
    "tests/domain/test_budgets.py": "cities of thousands of warnings",
    "tests/domain/test_impact.py::test_every_real_message": "each real message by the plain method, too",
    "tests/geofences/test_matching_figures.py": "the benchmarks, on few fences",
    "tests/audit/test_chain.py::test_killed_at_any_byte": "a kill at each byte",
    "tests/contracts/test_contracts.py::test_a_changed_model": "writes all contracts anew, as others do",
    "tests/contracts/test_contracts.py::test_a_file_that_no_record": "writes all contracts anew, as others do",
    "tests/deploy/test_monitoring.py::test_promtool_accepts_the_rules[command1]": "plays each alarm by the minute",
    "tests/cli/test_doctor.py::test_a_port_that_somebody_has": "waits of its own",
    **{
        f"tests/cli/test_meant.py::test_a_shell_completes_commands_options_and_names[warnsys {words}": (
            "a shell and a process for each word; two words are quick"
        )
        for words in ("replay", "scenario", "serve-feed", "match", "demo")
    },
    "tests/domain/test_still.py::test_an_sms_fits": "hundreds of made-up names, in every notice",
    "tests/domain/test_still.py::test_whatever_holds": "hundreds of made-up warnings, in every notice",
    "tests/domain/test_news.py::test_an_sms_fits_for_every": "every event, level, reason and end, in each language",
    "tests/domain/test_news.py::test_an_sms_fits_whatever": "hundreds of made-up names, in every notice",
    "tests/feeds/test_damaged_zip.py::test_any_one_damage_": "hundreds of damages",
    "tests/replay/test_beside.py::test_another_wording": "several replays side by side",
    "tests/replay/test_beside.py::test_the_same_settings": "several replays side by side",
    "tests/replay/test_beside.py::test_a_record_of_another_release": "several replays side by side",
    "tests/replay/test_beside.py::test_without_the_words": "several replays side by side",
    "tests/replay/test_commands.py::test_two_replays": "several replays, one after the other",
    "tests/replay/test_replay.py::test_after_bernd": "a long story",
    "tests/tools/test_glossary.py::test_no_name_stands_for_two": "reads the whole tree",
    "tests/web/test_picture.py::test_every_page_answers_while": "every page eight times, in a storm of records",
    "tests/delivery/test_running.py::test_an_extreme_notice": "thousands of recipients",
    "tests/delivery/test_running.py::test_the_first_of_many": "thousands of recipients",
    "tests/smpp/test_contract.py": "message centres that start and end",
    "tests/upgrade/": "the previous release, side by side",
}

LONGEST = (
    "tests/web/test_browser.py",
    "tests/domain/test_impact.py::test_every_real_message",
    "tests/kafka/test_every_button.py",
    "tests/domain/test_lifecycle_machine.py",
    "tests/explore/",
    "tests/web/test_layout.py",
    "tests/web/test_desk_browser.py",
    "tests/web/test_gallery.py",
    "tests/feeds/test_two_pollers.py",
    "tests/kafka/",
    "tests/upgrade/",
)
"""What takes a minute and more, alone or as a file whose tests share a process: begun first, in this order."""


def why_slow(test: str) -> str | None:
    return next((reason for begin, reason in SLOW.items() if test.startswith(begin)), None)


def how_late(test: str) -> int:
    """Where a test stands in a run: the longest first, then what is slow, then all others."""
    longest = next((place for place, begin in enumerate(LONGEST) if test.startswith(begin)), len(LONGEST))
    return longest if longest < len(LONGEST) or why_slow(test) else len(LONGEST) + 1
