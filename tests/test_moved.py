"""Old module names work for one release, with a warning that names the new one."""

import importlib
import subprocess
import sys

import pytest

from warnsys.moved import NOW_AT


@pytest.mark.parametrize("name", NOW_AT)
def test_an_old_name_gives_the_module_under_its_present_name(name: str) -> None:
    sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match=NOW_AT[name]):
        assert importlib.import_module(name) is importlib.import_module(NOW_AT[name])


@pytest.mark.parametrize("name", ["streams.agents", "warnsys.feeds.dwd"])
def test_an_old_name_is_found_by_a_script_that_imports_nothing_before(name: str) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", f"import {name}"], check=True, timeout=60)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_module_had_is_found_under_its_old_name() -> None:
    for name in ("streams.agents", "streams.worker.agents"):
        assert {"MatchAgent", "SettleAgent"} <= vars(importlib.import_module(name)).keys()
