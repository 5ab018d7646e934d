"""The function with coldcache's handler and CloudWatch metrics."""

import coldcache


@coldcache.handler(metrics="emf")
def handler(event, context):
    return {"answer": 42}
