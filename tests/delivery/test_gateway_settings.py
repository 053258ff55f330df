"""What the settings of gateways refuse, with place and remedy; and secrets, which never stand in the file."""

from pathlib import Path
from typing import Any

import pytest

from geofences import bundled
from streams.processes.gateway import gateway_of
from tests.delivery.receiver import SECRET
from warnsys.settings import Settings, SettingsError, load, parse

WEBHOOK = {"kind": "webhook", "url": "https://example.org/in", "secret": SECRET, "audiences": ["staff"]}
CITY = {"id": "solingen", "name": "Solingen", "geofences": str(bundled())}


def settings(stage: str = "live", channel: str = "push", **targets: dict[str, Any]) -> Settings:
    return parse({"cities": [CITY], "stage": stage, "gateways": {"app": {"channel": channel, "targets": targets}}})


def test_a_gateway_brings_a_channel_to_its_targets() -> None:
    found = gateway_of(settings(them=WEBHOOK), "app")
    assert (found.channel, found.targets["them"].addresses) == ("push", ("https://example.org/in",))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "pigeon"}, "gateways.app.targets.them.*'pigeon' is none of webhook, mail, mqtt"),
        ({"audiences": []}, "say whose notices it gets"),
        ({"url": "ftp://x"}, "gateways.app.targets.them.*url"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_a_target_cannot_be_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        settings(them={**WEBHOOK, **change})
    assert SECRET not in str(refused.value)


def test_a_channel_that_is_none_or_that_a_target_cannot_take_is_refused() -> None:
    with pytest.raises(SettingsError, match="there is no channel 'smoke'; write one of stele, push, sms"):
        settings(channel="smoke", them=WEBHOOK)
    mail = {"kind": "mail", "host": "x", "sender": "a@example.org", "to": ["b@example.org"]}
    with pytest.raises(SettingsError, match="a target of kind mail takes push, sms, not stele"):
        settings(channel="stele", them=mail)


def test_a_gateway_of_another_environment_refuses_a_target() -> None:
    with pytest.raises(SettingsError, match="belongs to the environment live, and this process to uebung"):
        gateway_of(settings("uebung", them=WEBHOOK), "app")


def test_two_environments_never_share_a_receiver() -> None:
    with pytest.raises(SettingsError, match=r"gateways.app.targets.a and gateways.app.targets.b reach the same"):
        settings(a=WEBHOOK, b={**WEBHOOK, "url": "https://EXAMPLE.org/in/", "stage": "uebung"})


def test_a_gateway_that_nobody_has_written_is_named() -> None:
    with pytest.raises(SettingsError, match=r"gateways.sms: there is none of this name, but app"):
        gateway_of(settings(them=WEBHOOK), "sms")


def file(folder: Path, secret: str = "") -> Path:
    path = folder / "warnsys.toml"
    path.write_text(
        f'[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
        '[gateways.app]\nchannel = "push"\n[gateways.app.targets.them]\nkind = "webhook"\n'
        f'url = "https://example.org/in"\naudiences = ["staff"]\n{secret}'
    )
    return path


def test_a_secret_comes_from_the_environment_or_from_a_file_of_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "WARNSYS_GATEWAYS__APP__TARGETS__THEM__SECRET"
    with monkeypatch.context() as patched:
        patched.setenv(name, SECRET)
        assert load(file(tmp_path)).gateways["app"].targets["them"].model_dump()["secret"].get_secret_value() == SECRET
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / name).write_text(SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    assert SECRET not in repr(load(file(tmp_path)))


def test_a_secret_in_the_file_is_refused_and_not_quoted(tmp_path: Path) -> None:
    says = "gateways.app.targets.them.secret: take it out of the file.*WARNSYS_GATEWAYS__APP__TARGETS__THEM__SECRET"
    with pytest.raises(SettingsError, match=says) as refused:
        load(file(tmp_path, f'secret = "{SECRET}"\n'))
    assert SECRET not in str(refused.value)


def test_a_wrong_secret_from_outside_is_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARNSYS_GATEWAYS__APP__TARGETS__THEM__SECRET", "whsec_c2hvcnQ=")
    with pytest.raises(SettingsError, match="24 to 64 bytes in base64") as refused:
        load(file(tmp_path))
    assert "c2hvcnQ" not in str(refused.value)
