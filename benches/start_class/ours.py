"""Answers with the class of its start, as coldcache tells it."""

import os
import time

import coldcache


@coldcache.handler
def handler(event, context):
    if event.get("crash"):
        os._exit(7)
    time.sleep(event.get("seconds", 0))
    return coldcache.invocation().start_class
