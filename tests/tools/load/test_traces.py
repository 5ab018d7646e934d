from __future__ import annotations

import gzip
import random

import pytest
from coldcache.tools.lab import UsageError
from coldcache.tools.lab.load import read_trace

AZURE_2019 = (
    "HashOwner,HashApp,HashFunction,Trigger,480,481,482\n"
    "o,a,abc1,http,1,0,2\no,a,abd2,timer,0,0,0\n"
)
AZURE_2021 = "app,func,end_timestamp,duration\nx,f1,10.0,8.0\nx,f2,5.0,1.0\nx,f1,20.5,0.5\n"


@pytest.fixture
def trace(tmp_path):
    def write(text, name="calls.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def seconds(recorded):
    return list(recorded.arrivals.times(float("inf"), random.Random()))


@pytest.mark.parametrize(
    "text",
    [
        "100\n101.5\n101.5\n",
        "time\n100\n101.5\n101.5\n\n",
        "id,timestamp\na,100\nb,101.5\nc,101.5\n",
        "2026-01-01T00:00:00Z\n2026-01-01T00:00:01.5Z\n2026-01-01T01:00:01.5+01:00\n",
        "TIMESTAMP,n\n2023-11-16 18:15:46.0000000,1\n2023-11-16 18:15:47.5,2\n"
        "2023-11-16 18:15:47.5,3\n",
    ],
)
def test_times_count_from_the_first_call(trace, text):
    (found,) = read_trace(trace(text))

    assert seconds(found) == pytest.approx([0, 1.5, 1.5])


def test_a_compressed_file_is_read_alike(trace):
    (plain,) = read_trace(trace("1\n2\n"))
    (packed,) = read_trace(trace("1\n2\n", name="calls.csv.gz"))

    assert seconds(plain) == seconds(packed)


def test_the_last_call_of_a_recording_is_within_its_length(trace):
    (found,) = read_trace(trace("0\n3\n"))

    assert list(found.arrivals.times(found.arrivals.natural_duration_s, random.Random())) == [0, 3]


def test_counts_of_2019_are_spread_within_their_minutes(trace):
    (found,) = read_trace(trace(AZURE_2019), ["1"])

    assert [int(time_s // 60) for time_s in seconds(found)] == [0, 2, 2]
    assert found.arrivals.natural_duration_s == 180


def test_the_spread_within_a_minute_follows_the_seed(trace):
    path = trace(AZURE_2019)
    one, same, other = (seconds(read_trace(path, ["1"], seed=seed)[0]) for seed in (1, 1, 2))

    assert one == same
    assert one != other


def test_a_function_is_chosen_by_the_begin_of_its_hash(trace):
    assert read_trace(trace(AZURE_2019), ["abc"])[0].name == "abc1"


def test_calls_of_2021_arrive_at_their_end_less_their_duration(trace):
    (found,) = read_trace(trace(AZURE_2021))

    assert seconds(found) == [0, 2, 18]


def test_functions_of_2021_share_one_begin(trace):
    first, second = read_trace(trace(AZURE_2021), ["f1", "f2"])

    assert seconds(first) == [0, 18]
    assert seconds(second) == [2]


@pytest.mark.parametrize(
    ("text", "selectors", "complaint"),
    [
        ("1\n3\n2\n", [], "line 3: the times are not sorted"),
        ("1\n\n2\n", [], "line 2: the time is missing"),
        ("a,timestamp\n1,\n", [], "line 2: the time is missing"),
        ("time\n-1\n", [], "line 2: a time must not be negative"),
        ("1\nnoon\n", [], "line 2: neither a number"),
        ("1\nnan\n", [], "line 2: neither a number"),
        ("time\n", [], "has no arrivals"),
        ("", [], "is empty"),
        ("1\n2\n", ["3"], "has no functions to choose from"),
        (AZURE_2019, [], "holds 2 functions; choose"),
        (AZURE_2019, ["3"], "names no function"),
        (AZURE_2019, ["ab"], "names 2 functions"),
        (AZURE_2019, ["2"], "line 3: the function abd2 has no arrivals"),
        (
            AZURE_2019.replace("http,1,0", "http,1,-4"),
            ["1"],
            "line 2: minute 481 must hold a count",
        ),
        (AZURE_2019.replace("http,1,0", "http,1,"), ["1"], "line 2: the count of minute 481 is"),
        (AZURE_2021.replace("5.0,1.0", "5.0,-1.0"), [], "line 3: duration must not be negative"),
        (AZURE_2021.replace("5.0,1.0", "5.0,"), [], "line 3: duration must be a number"),
        (AZURE_2021 + "x,f1\n", [], "line 5: 4 columns expected"),
        (AZURE_2021, ["g"], "names no function"),
    ],
)
def test_a_broken_trace_is_refused_by_file_and_line(trace, text, selectors, complaint):
    path = trace(text)

    with pytest.raises(UsageError, match=complaint) as refusal:
        read_trace(path, selectors)
    assert str(path) in str(refusal.value)


def test_a_missing_trace_is_named(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        read_trace(tmp_path / "none.csv")


def test_the_published_files_are_read(traces):
    functions = read_trace(traces / "azure2019-500fn-8h/invocations.csv.gz", ["100", "200"])
    (calls,) = read_trace(traces / "azure2021-sample200/Azure2021_200.csv.gz")
    (requests,) = read_trace(traces / "azure-llm-2023/AzureLLMInferenceTrace_code.csv.gz")

    assert len(functions) == 2
    assert len(seconds(calls)) == 199  # a heading, and 199 calls
    assert len(seconds(requests)) == 8819
