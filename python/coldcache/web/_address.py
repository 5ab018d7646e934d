"""Where a probe listens: an address and a port, checked."""

from coldcache.exceptions import ConfigError

_SHOWN = 60  # characters of a value in a message

LOOPBACK = "127.0.0.1"
_WANTS = "a port, or an IP address and a port: 8081, 127.0.0.1:8081, 0.0.0.0:8081, [::1]:8081"


def parse(name: str, text: str) -> tuple[str, int]:
    """Read an address.

    Args:
        name: What the text is called in an error.
        text: ``port`` (on loopback), ``address:port`` or ``[address]:port``.

    Raises:
        ConfigError: It is none of these.
    """
    host, colon, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""  # an IPv6 address without brackets could end anywhere
    is_number = port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535
    if not is_number or (colon and not host):
        message = f"{name} must be {_WANTS}; got {text[:_SHOWN]!r}"
        raise ConfigError(message)
    return check_host(name, host) if colon else LOOPBACK, int(port)


def check_host(name: str, host: str) -> str:
    """Return the address that this text is.

    Raises:
        ConfigError: It is no IP address; names are not looked up, as that may take long.
    """
    if host == "localhost":
        return LOOPBACK
    import _socket  # noqa: PLC0415 - part of the interpreter, but not loaded by it

    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, host)
        except OSError:
            continue
        return host
    message = f"{name} must be an IP address such as 127.0.0.1, 0.0.0.0 or ::1; got {host[:60]!r}"
    raise ConfigError(message)
