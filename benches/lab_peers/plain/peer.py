"""The application with its settings from a parameter, the way tutorials show it."""

from __future__ import annotations

import json
import os

import app
import boto3

ssm = boto3.client("ssm")


def settings():
    answer = ssm.get_parameter(Name=os.environ["SETTINGS_NAME"], WithDecryption=True)
    return json.loads(answer["Parameter"]["Value"])


def handler(event, context):
    return {"currency": settings()["currency"], "answer": app.handler(event, context)}
