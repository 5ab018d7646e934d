"""The one table of metrics: what each is, its unit, its name in each format; and how names are cut.

Names that begin with ``faas.`` are those of OpenTelemetry's semantic conventions (metrics of
Function-as-a-Service, status "development"); whatever they do not cover is below ``coldcache.``.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["count", "duration", "gauge"]
    Label = Literal["start_class", "error_type"]

# Bounds of the buckets of every duration, in seconds: those of the OpenTelemetry conventions for
# `faas.init_duration` and `faas.invoke_duration`.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

# Different types of errors that get a label of their own; what comes later is `OTHER_ERROR`, which
# is OpenTelemetry's word for it.
MOST_ERROR_TYPES = 32
OTHER_ERROR = "_OTHER"

# Start classes in which a request waited for the whole start.
COLD = frozenset({"on-demand", "re-init"})


class Metric:
    """One metric.

    Attributes:
        key: What the code calls it, and what Prometheus does after ``coldcache_``, with a suffix.
        kind: ``count`` of events, ``duration``, or ``gauge``: how things stand now.
        emf: Name in CloudWatch.
        otel: Name in OpenTelemetry.
        unit: Unit in OpenTelemetry (UCUM); durations are in seconds there and in Prometheus.
        label: What it is split by, beside the function's name; ``None``: by nothing.
        description: One sentence.
    """

    __slots__ = ("description", "emf", "key", "kind", "label", "otel", "unit")

    def __init__(
        self,
        key: str,
        kind: "Kind",
        emf: str,
        otel: str,
        unit: str,
        label: "Label | None",
        description: str,
    ) -> None:
        self.key = key
        self.kind = kind
        self.emf = emf
        self.otel = otel
        self.unit = unit
        self.label = label
        self.description = description

    @property
    def emf_unit(self) -> str:
        """Unit in CloudWatch, where durations are in milliseconds, as those of the platform."""
        return "Milliseconds" if self.kind == "duration" else "Count"

    @property
    def prometheus(self) -> str:
        """Name in Prometheus, of the family."""
        suffix = {"count": "_total", "duration": "_seconds", "gauge": ""}[self.kind]
        return f"coldcache_{self.key}{suffix}"


TABLE = tuple(
    Metric(*row)
    for row in (
        # Every call
        ("invocations", "count", "Invocations", "faas.invocations", "{invocation}", None,
         "Calls of the handler; warm-up pings are not among them."),
        ("errors", "count", "Errors", "faas.errors", "{error}", "error_type",
         "Calls that raised, by the type of the error."),
        ("invoke_duration", "duration", "InvokeDuration", "faas.invoke_duration", "s", None,
         "Time in the handler; initialisation is not in it."),
        ("pings", "count", "Pings", "coldcache.pings", "{ping}", None,
         "Warm-up pings that were answered without the user's code."),
        ("own_duration", "duration", "OwnDuration", "coldcache.own_duration", "s", None,
         "What coldcache itself cost in a call, exporters left out."),
        # The first call of an initialisation
        ("starts", "count", "Starts", "coldcache.starts", "{start}", "start_class",
         "Initialisations whose first call has ended, also if it raised, by start class."),
        ("cold_starts", "count", "ColdStarts", "faas.coldstarts", "{coldstart}", "start_class",
         "Starts that a request waited for: start class on-demand or re-init, and no ping."),
        ("cold_start_duration", "duration", "ColdStartDuration", "coldcache.cold_start_duration",
         "s", "start_class", "Initialisation of the starts that a request waited for."),
        ("init_duration", "duration", "InitDuration", "faas.init_duration", "s", "start_class",
         "From the start of the process to the end of initialisation, of all starts."),
        ("first_answer_duration", "duration", "FirstAnswerDuration",
         "coldcache.first_answer_duration", "s", "start_class",
         "From the start of the process, or from the first event if that came later, to the first"
         " answer."),
        ("visible_start_duration", "duration", "VisibleStartDuration",
         "coldcache.visible_start_duration", "s", "start_class",
         "From when a gateway received the first request to the call of the handler."),
        ("first_event_wait", "duration", "FirstEventWait", "coldcache.first_event_wait", "s",
         "start_class", "From the end of initialisation until the first event was there."),
        ("startup_errors", "count", "StartupErrors", "coldcache.startup_errors", "{error}",
         "error_type", "Imports and steps of a start that failed, by the type of the error."),
        # Caches, resources, pools
        ("cache_hits", "count", "CacheHits", "coldcache.cache.hits", "{hit}", None,
         "Values served from a cache."),
        ("cache_misses", "count", "CacheMisses", "coldcache.cache.misses", "{miss}", None,
         "Look-ups that found nothing to serve."),
        ("cache_loads", "count", "CacheLoads", "coldcache.cache.loads", "{load}", None,
         "Loads that ended, failed ones included."),
        ("cache_load_errors", "count", "CacheLoadErrors", "coldcache.cache.load_errors",
         "{error}", None, "Loads that failed."),
        ("cache_stale", "count", "CacheStale", "coldcache.cache.stale", "{hit}", None,
         "Values served past their time: while they were refreshed, or because a load failed."),
        ("cache_evictions", "count", "CacheEvictions", "coldcache.cache.evictions", "{entry}",
         None, "Entries that had to go because a bound was reached."),
        ("resource_rebuilds", "count", "ResourceRebuilds", "coldcache.resource.rebuilds",
         "{object}", None, "Objects of resources and pools that were replaced."),
        ("resource_check_failures", "count", "ResourceCheckFailures",
         "coldcache.resource.check_failures", "{check}", None, "Checks that an object failed."),
        ("pool_saturated", "count", "PoolSaturated", "coldcache.pool.saturated", "{error}", None,
         "Waits for an object of a pool that ended with PoolSaturated."),
        ("pool_waiting", "gauge", "PoolWaiting", "coldcache.pool.waiting", "{caller}", None,
         "Callers that wait for an object of a pool at this moment."),
        # The metrics themselves
        ("export_cut", "count", "ExportCut", "coldcache.export.cut", "{text}", None,
         "Names and texts that were cut or changed to fit a format."),
        ("export_refused", "count", "ExportRefused", "coldcache.export.refused", "{value}", None,
         "Values that were left out: negative, infinite, or no number."),
    )
)  # fmt: skip

BY_KEY = {metric.key: metric for metric in TABLE}


def printable(text: object, longest: int) -> str:
    """The text as names in CloudWatch may be: printable ASCII, of bounded length, never blank.

    Every other character becomes an underscore, what is longer is cut off, and a blank text becomes
    one underscore.
    """
    it = text if isinstance(text, str) else str(text)
    if not (it.isascii() and it.isprintable()):
        it = "".join(one if " " <= one <= "~" else "_" for one in it[:longest])
    return it[:longest] if it.strip() else "_"


def encodable(text: object, longest: int) -> str:
    """The text as UTF-8 can hold it, of bounded length; half a surrogate pair becomes ``?``."""
    it = text if isinstance(text, str) else str(text)
    return it[:longest].encode("utf-8", "replace").decode("utf-8")
