"""The function with Powertools' logger, metrics and tracer, as its documentation shows them."""

from aws_lambda_powertools import Logger, Metrics, Tracer

logger = Logger(service="bench")
metrics = Metrics(namespace="bench", service="bench")
tracer = Tracer(service="bench")


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True, raise_on_empty_metrics=False)
def handler(event, context):
    return {"answer": 42}
