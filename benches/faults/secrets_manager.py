"""AWS Secrets Manager as moto plays it, and the client a function would use."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config

from faults.servers import Server

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "database/password"


class SecretsManager(Server):
    """Runs as whoever runs the bench: it is Python, from the environment of the bench."""

    name = "moto"

    def __init__(self, folder: Path) -> None:
        super().__init__(sys.executable, folder)

    def command(self) -> list[str]:
        """Run with the interpreter of the bench, which has moto."""
        return [self.program, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def as_servant(self) -> dict[str, Any]:
        """Run as oneself: the servers' user may not be able to read that environment."""
        return {}

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    @property
    def url(self) -> str:
        """Say where it is."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, password: str) -> None:
        """Make or change the secret."""
        told = {"SecretId": SECRET, "SecretString": json.dumps({"password": password})}
        aws = client(self.url)
        try:
            aws.put_secret_value(**told)
        except aws.exceptions.ResourceNotFoundException:
            told["Name"] = told.pop("SecretId")
            aws.create_secret(**told)

    def requests(self) -> int:
        """Count the calls of AWS that came in so far."""
        return self.log.read_text(errors="replace").count('"POST / ')


def client(url: str) -> Any:
    """Make a client that knows this address alone, whatever the developer's settings say."""
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    return boto3.client(
        "secretsmanager",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=botocore.config.Config(connect_timeout=2, read_timeout=2, proxies={}),
    )


def fetch(aws: Any) -> str:
    """Ask for the password."""
    return str(json.loads(aws.get_secret_value(SecretId=SECRET)["SecretString"])["password"])
