"""Logging in, TLS, and what each process may do: on Kafkas with its own authorizer."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from streams.kafka import credentials as security
from streams.kafka.admin import Admin
from streams.kafka.records import ProducerRecord, Progress, SendError
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics
from streams.processes import live
from streams.processes.runtime import broker_of
from tests.kafka.guard import AUTHORIZED, guarding
from tests.kafka.story import login, play, settings_of, tls
from tools.local_kafka import LocalKafka
from warnsys.records import Notice
from warnsys.settings import Settings, SettingsError

STAGE = "secured"
TOPICS = Topics(STAGE, 2)


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalKafka]:
    """A user for each process with its rules and nothing else."""
    with guarding(STAGE) as guard:
        yield guard.kafka


def user(kafka: LocalKafka, name: str, url: str = "https://example.org/") -> Settings:
    return settings_of(STAGE, kafka.bootstrap, url, **login(name))


async def send(kafka: LocalKafka, process: str, topic: str) -> None:
    access = security.for_librdkafka(user(kafka, process).broker)
    async with KafkaSender(kafka.bootstrap, Progress(), security=access) as sender:
        await sender.send([ProducerRecord(topic, 0, "x", b"no record of ours")])


@pytest.mark.kafka
async def test_each_process_can_work_with_exactly_what_its_rules_allow(guarded: LocalKafka) -> None:
    admin = Admin(guarded.bootstrap, TOPICS, 1, security.for_librdkafka(user(guarded, "admin").broker))
    assert admin.differences() == []
    await send(guarded, "feed", TOPICS.alerts.name)  # what the worker must be able to reject
    heard = await play(lambda url: user(guarded, "feed", url), lambda url: user(guarded, "worker", url))
    assert heard.notices
    async with AIOKafkaConsumer(
        TOPICS.rejected.name, bootstrap_servers=guarded.internal, auto_offset_reset="earliest"
    ) as reader:
        assert (await anext(reader)).value == b"no record of ours"
    for channel in ("stele", "push", "sms"):
        assert (await first(user(guarded, "reader"), channel)).stage == STAGE


@pytest.mark.kafka
async def test_feed_and_worker_in_one_work_with_the_rules_of_up(guarded: LocalKafka) -> None:
    heard = await play(lambda url: user(guarded, "up", url), lambda url: user(guarded, "up", url))
    assert heard.outcomes


async def first(settings: Settings, channel: str) -> Notice:
    found: asyncio.Future[Notice] = asyncio.get_running_loop().create_future()

    def show(notice: Notice) -> None:
        if not found.done():
            found.set_result(notice)

    task = asyncio.create_task(live.tail(settings, channel, show, from_start=True))
    try:
        return await asyncio.wait_for(found, 30)
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("process", "topic"),
    [
        ("feed", TOPICS.push),
        ("feed", TOPICS.stele),
        ("feed", TOPICS.impacts),
        ("feed", TOPICS.state),
        ("worker", TOPICS.alerts),
        ("worker", TOPICS.status),
        ("web", TOPICS.impacts),
        ("web", TOPICS.push),
        ("web", TOPICS.alerts),
        ("audit", TOPICS.impacts),
        ("reader", TOPICS.stele),
        ("admin", TOPICS.push),
    ],
    ids=lambda value: getattr(value, "name", value),
)
async def test_nobody_writes_what_is_not_his(guarded: LocalKafka, process: str, topic: Any) -> None:
    with pytest.raises(SendError, match=r"TOPIC_AUTHORIZATION_FAILED|CLUSTER_AUTHORIZATION_FAILED"):
        await send(guarded, process, topic.name)


@pytest.mark.kafka
def test_a_process_that_may_not_make_topics_says_who_can(guarded: LocalKafka) -> None:
    elsewhere = user(guarded, "worker").model_copy(update={"stage": "elsewhere"})
    with pytest.raises(SettingsError, match=r"elsewhere\..*let an administrator run: warnsys topics create"):
        broker_of(elsewhere).__enter__()


@pytest.mark.kafka
def test_a_wrong_password_is_named(guarded: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.admin.ADMIN_S", 10)
    settings = settings_of(STAGE, guarded.bootstrap, **{**login("feed"), "password": "wrong"})
    with pytest.raises(SettingsError, match=r"broker\.url: no Kafka answers.*[Aa]uthentication failed"):
        broker_of(settings).__enter__()


# -- TLS ------------------------------------------------------------------------------------------------------------


EXTENSIONS = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[holder]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = IP:127.0.0.1
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and what it signed for a broker on 127.0.0.1 and for a client, strict enough for Python 3.13."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "openssl.conf").write_text(EXTENSIONS)

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-config", "openssl.conf", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl(*new, "-extensions", "authority", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    signed = (*new, "-extensions", "holder", "-CA", "ca.pem", "-CAkey", "ca.key")
    for name in ("broker", "client"):
        openssl(*signed, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl("verify", "-x509_strict", "-CAfile", "ca.pem", f"{name}.pem")
    (folder / "store.pem").write_text((folder / "broker.key").read_text() + (folder / "broker.pem").read_text())
    return folder


@pytest.fixture(scope="module")
def encrypted(certificates: Path) -> Iterator[LocalKafka]:
    """SCRAM over TLS, and no client without a certificate."""
    client = "listener.name.client"
    secured = {
        **AUTHORIZED,
        "allow.everyone.if.no.acl.found": "true",
        "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        f"{client}.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
        **{
            f"{client}.scram-sha-{bits}.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
            for bits in (256, 512)
        },
        f"{client}.ssl.client.auth": "required",
        f"{client}.ssl.keystore.type": "PEM",
        f"{client}.ssl.keystore.location": str(certificates / "store.pem"),
        f"{client}.ssl.truststore.type": "PEM",
        f"{client}.ssl.truststore.location": str(certificates / "ca.pem"),
    }
    with LocalKafka(properties=secured) as kafka:
        root = AdminClient({"bootstrap.servers": kafka.internal})
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            info = ScramCredentialInfo(mechanism, 4096)
            change = UserScramCredentialUpsertion("worker", info, b"worker-secret")
            for future in root.alter_user_scram_credentials([change]).values():
                future.result(10)
        yield kafka


@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_all_clients_speak_scram_over_tls(encrypted: LocalKafka, certificates: Path, mechanism: str) -> None:
    stage = mechanism.lower()

    def worker(url: str) -> Settings:
        return settings_of(stage, encrypted.bootstrap, url, **login("worker", mechanism), **tls(certificates))

    assert (await play(worker, worker)).notices
    assert (await first(worker("https://example.org/"), "push")).stage == stage


@pytest.mark.kafka
def test_a_broker_whose_certificate_is_not_trusted_is_refused(
    encrypted: LocalKafka, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.admin.ADMIN_S", 3)
    stranger = {**tls(certificates)["tls"], "ca": certificates / "client.pem"}
    settings = settings_of("stranger", encrypted.bootstrap, tls=stranger, **login("worker", "SCRAM-SHA-512"))
    with pytest.raises(SettingsError, match=r"broker\.url: no Kafka answers"):
        broker_of(settings).__enter__()


def test_a_missing_tls_file_is_named(tmp_path: Path) -> None:
    settings = settings_of("x", "127.0.0.1:9", tls={"ca": tmp_path / "no.pem"})
    with pytest.raises(SettingsError, match=r"broker\.tls\.ca: there is no file .*no\.pem"):
        security.for_aiokafka(settings.broker)


def test_a_tls_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not PEM")
    settings = settings_of("x", "127.0.0.1:9", tls={"ca": tmp_path / "ca.pem"})
    with pytest.raises(SettingsError, match=r"broker\.tls: .*must be in PEM"):
        security.for_librdkafka(settings.broker)


def test_without_login_and_tls_everything_is_plain() -> None:
    broker = settings_of("x", "127.0.0.1:9").broker
    assert security.for_aiokafka(broker) == {"security_protocol": "PLAINTEXT"}
    assert security.for_librdkafka(broker) == {"security.protocol": "PLAINTEXT"}
    assert security.for_faust(broker) is None
