"""The application with its settings kept by AWS Powertools for five minutes."""

from __future__ import annotations

import os

import app
from aws_lambda_powertools.utilities import parameters

KEEP_S = 300


def settings():
    return parameters.get_parameter(
        os.environ["SETTINGS_NAME"], decrypt=True, transform="json", max_age=KEEP_S
    )


def handler(event, context):
    return {"currency": settings()["currency"], "answer": app.handler(event, context)}
