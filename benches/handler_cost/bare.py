"""The function as it is."""


def handler(event, context):
    return {"answer": 42}
