"""Where the login may stand: the password in the environment only, and never in a message."""

from pathlib import Path

import pytest

from warnsys.settings import PASSWORD, SettingsError, load

CITY = '[[cities]]\nid = "x"\nname = "X"\ngeofences = "x.geojson"\n'
SASL = '[broker.sasl]\nmechanism = "PLAIN"\nusername = "feed"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "warnsys.toml"


def test_the_password_comes_from_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f'{CITY}[broker]\nurl = "kafka://x:1"\n{SASL}[broker.tls]\nca = "certs/ca.pem"\n')
    monkeypatch.setenv(PASSWORD, "secret")
    broker = load(file).broker
    assert broker.password
    assert broker.password.get_secret_value() == "secret"
    assert "secret" not in repr(broker)
    assert broker.tls
    assert broker.tls.ca == file.parent / "certs/ca.pem"


@pytest.mark.parametrize("table", ["broker", "broker.sasl"])
def test_a_password_in_the_file_is_refused_and_not_repeated(file: Path, table: str) -> None:
    file.write_text(f'{CITY}{SASL if table == "broker.sasl" else "[broker]"}\npassword = "secret"\n')
    with pytest.raises(SettingsError, match="password") as error:
        load(file)
    assert PASSWORD in str(error.value)
    assert "secret" not in str(error.value)


def test_a_user_without_password_is_told_where_to_give_it(file: Path) -> None:
    file.write_text(CITY + SASL)
    with pytest.raises(SettingsError, match=PASSWORD):
        load(file)


def test_a_password_without_a_user_is_refused_and_not_repeated(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f"{CITY}[broker]\npartitions = 2\n")
    monkeypatch.setenv(PASSWORD, "secret")
    with pytest.raises(SettingsError, match=r"broker\.sasl") as error:
        load(file)
    assert "secret" not in str(error.value)


def test_a_certificate_needs_its_key(file: Path) -> None:
    file.write_text(f'{CITY}[broker.tls]\ncert = "client.pem"\n')
    with pytest.raises(SettingsError, match="cert and key belong together"):
        load(file)
