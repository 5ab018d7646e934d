"""The application with its settings kept by coldcache for five minutes."""

from __future__ import annotations

import json
import os

import app
import boto3
import coldcache

KEEP_S = 300


@coldcache.once
def ssm():
    return boto3.client("ssm")


@coldcache.cached(ttl=KEEP_S)
def settings():
    answer = ssm().get_parameter(Name=os.environ["SETTINGS_NAME"], WithDecryption=True)
    return json.loads(answer["Parameter"]["Value"])


def handler(event, context):
    return {"currency": settings()["currency"], "answer": app.handler(event, context)}
