"""The local AWS is there inside its context, is gone after it, and only ever on this machine."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import local_aws
import pytest
import seed


def can_connect(url):
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_server_is_gone_when_its_context_ends():
    with local_aws.local_aws() as endpoint_url:
        was_there = can_connect(endpoint_url)
    assert (was_there, can_connect(endpoint_url)) == (True, False)


def test_the_server_is_gone_when_its_context_fails():
    with pytest.raises(ZeroDivisionError), local_aws.local_aws() as endpoint_url:
        raise ZeroDivisionError
    assert not can_connect(endpoint_url)


def test_the_server_listens_on_loopback(endpoint_url):
    assert urlsplit(endpoint_url).hostname == "127.0.0.1"


def test_settings_of_the_developer_stay_out(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "elsewhere")
    assert "elsewhere" not in local_aws.clean_environment().values()


def test_other_variables_are_kept():
    assert local_aws.clean_environment()["PATH"] == os.environ["PATH"]


def test_a_developer_profile_does_not_disturb_the_seeding(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with local_aws.local_aws() as endpoint_url:
        assert can_connect(endpoint_url)


def test_seeding_refuses_an_address_that_is_not_on_this_machine():
    with pytest.raises(ValueError, match=r"must be on this machine, got 'https://s3\.amazonaws"):
        seed.seed("https://s3.amazonaws.com")


def test_the_rows_are_the_same_every_time():
    assert (seed.sales_csv(), seed.orders()) == (seed.sales_csv(), seed.orders())
