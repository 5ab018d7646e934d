"""The function under OpenTelemetry's Lambda instrumentation; spans stay in memory."""

import os

from opentelemetry import trace
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
trace.set_tracer_provider(provider)


def handler(event, context):
    return {"answer": 42}


os.environ["ORIG_HANDLER"] = os.environ["_HANDLER"]
AwsLambdaInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
