"""What `warnsys doctor` says of the broker: whether it answers, what its topics lack, and what this login may do."""

import socket
from collections.abc import Iterator

from streams.kafka import credentials, embedded, rights
from streams.kafka.acl import rules
from streams.kafka.admin import Admin
from streams.kafka.topics import topics_for
from warnsys.doctor import CheckRow
from warnsys.settings import Settings, SettingsError

CONNECT_S = 3.0
START_KAFKA = "start it, or correct broker.url; one for trying out: make kafka"


def of_broker(settings: Settings) -> Iterator[CheckRow]:
    """Rows for the broker of the settings; never raises for what the broker answers or does not."""
    if settings.broker.embedded:
        remedy = 'for operation write a Kafka into [broker]: url = "kafka://host:port"'
        yield CheckRow("broker", "note", f"embedded: {embedded.NOTICE}", remedy)
        return
    bootstrap = settings.broker.url.removeprefix("kafka://")
    places = bootstrap.split(",")
    silent = [place for place in places if not _listens(place)]
    if silent == places:
        yield CheckRow("broker", "wrong", f"nobody listens at {bootstrap}", START_KAFKA)
        return
    if silent:
        yield CheckRow("broker", "note", f"nobody listens at {', '.join(silent)}", START_KAFKA)
    try:
        login, topics = credentials.for_librdkafka(settings.broker), topics_for(settings)
        differences = Admin(bootstrap, topics, settings.broker.replication, login).differences()
    except SettingsError as error:
        yield CheckRow("broker", "wrong", str(error), "see that it is a Kafka, and that login and TLS are right")
        return
    yield CheckRow("broker", "ok", f"a Kafka answers at {bootstrap}")
    for one in differences:
        yield CheckRow(f"topic {one.topic}", "wrong" if one.fatal else "note", one.what, one.remedy)
    if not differences:
        yield CheckRow("topics", "ok", f"all {len(topics.all())} are as they must be")
    yield from _of_rights(settings)


def _of_rights(settings: Settings) -> Iterator[CheckRow]:
    """By process, for each has a login of its own where rights are kept: this is what the present one may run."""
    user = settings.broker.sasl.username if settings.broker.sasl else "this user"
    for process in rules(topics_for(settings)):
        try:
            rights.check(settings, process)
        except SettingsError as error:
            said = f"{user} may not all that it needs: {str(error).splitlines()[0]}"
            remedy = "run it with its own login, or give the rights: warnsys topics acls --commands"
            yield CheckRow(f"rights of {process}", "note", said, remedy)
        else:
            yield CheckRow(f"rights of {process}", "ok", f"{user} has them")


def _listens(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S):
            return True
    except (OSError, ValueError):
        return False
