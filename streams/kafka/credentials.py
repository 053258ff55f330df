"""How clients come to the broker, by its settings: the one place that knows each library's names for login and TLS.

An embedded broker, and a Kafka without `[broker.sasl]` and `[broker.tls]`, are spoken to in plain.
"""

import ssl
from typing import Any

import faust

from warnsys.settings import Broker, SettingsError, Tls


def for_aiokafka(broker: Broker) -> dict[str, Any]:
    """Arguments of a consumer or admin client of aiokafka."""
    said: dict[str, Any] = {"security_protocol": _protocol(broker)}
    if broker.embedded:
        return said
    if broker.tls:
        said["ssl_context"] = _context(broker.tls)
    if broker.sasl:
        said["sasl_mechanism"] = broker.sasl.mechanism
        said["sasl_plain_username"] = broker.sasl.username
        said["sasl_plain_password"] = _password(broker)
    return said


def for_librdkafka(broker: Broker) -> dict[str, Any]:
    """Settings of a client of confluent-kafka."""
    said: dict[str, Any] = {"security.protocol": _protocol(broker)}
    if broker.embedded:
        return said
    if broker.tls:
        _context(broker.tls)  # names a wrong file better than librdkafka does
        files = {
            "ssl.ca.location": broker.tls.ca,
            "ssl.certificate.location": broker.tls.cert,
            "ssl.key.location": broker.tls.key,
        }
        said |= {name: str(file) for name, file in files.items() if file}
    if broker.sasl:
        said["sasl.mechanisms"] = broker.sasl.mechanism
        said["sasl.username"] = broker.sasl.username
        said["sasl.password"] = _password(broker)
    return said


def for_faust(broker: Broker) -> Any:
    """`broker_credentials` of a Faust app; None is plain."""
    if broker.embedded:
        return None
    context = _context(broker.tls) if broker.tls else None
    if broker.sasl:
        return faust.SASLCredentials(
            username=broker.sasl.username,
            password=_password(broker),
            ssl_context=context,
            mechanism=broker.sasl.mechanism,
        )
    return faust.SSLCredentials(context) if context else None


def _protocol(broker: Broker) -> str:
    if broker.embedded:
        return "PLAINTEXT"
    layer = "SSL" if broker.tls else "PLAINTEXT"
    return f"SASL_{layer}" if broker.sasl else layer


def _password(broker: Broker) -> str:
    return broker.password.get_secret_value() if broker.password else ""


def _context(tls: Tls) -> ssl.SSLContext:
    """Checks the brokers' certificates and names. Raises `SettingsError`."""
    for name, file in (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)):
        if file and not file.is_file():
            raise SettingsError(f"broker.tls.{name}: there is no file {file}")
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.cert:
            context.load_cert_chain(tls.cert, tls.key)
    except ssl.SSLError as error:
        raise SettingsError(
            f"broker.tls: the files cannot be used ({error}); they must be in PEM, the key open"
        ) from error
    return context
