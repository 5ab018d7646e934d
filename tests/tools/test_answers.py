from __future__ import annotations

import hashlib

import pytest
from coldcache.tools.lab.answers import AnswerBook, Difference
from hypothesis import given
from hypothesis import strategies as st

BOTH = ["target", "baseline"]


def book_of(**answers: list[bytes]) -> AnswerBook:
    """A book where ``target_first=[...]`` are the target's first answers, and so on."""
    book = AnswerBook()
    for key, bodies in answers.items():
        variant, which = key.split("_")
        for body in bodies:
            book.note(variant, which, body)
    return book


def test_a_fingerprint_is_digest_and_length() -> None:
    fingerprint = AnswerBook().note("target", "first", b"abc")

    assert fingerprint.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert fingerprint.length == 3


def test_equal_answers_of_both_variants_are_equal() -> None:
    book = book_of(
        target_first=[b"1", b"1"],
        target_warm=[b"1"],
        baseline_first=[b"1"],
        baseline_warm=[b"1", b"1"],
    )

    assert book.compare(BOTH).verdict == "equal"


def test_a_function_that_counts_its_calls_equals_its_twin() -> None:
    book = book_of(
        target_first=[b"1"], target_warm=[b"2"], baseline_first=[b"1"], baseline_warm=[b"2"]
    )

    assert book.compare(BOTH).verdict == "equal"


@pytest.mark.parametrize("which", ["first", "warm"])
def test_variants_that_disagree_are_different_at_a_position(which: str) -> None:
    keys = ("target_first", "target_warm", "baseline_first", "baseline_warm")
    answers = {key: [b"abcd"] for key in keys}
    book = book_of(**{**answers, f"baseline_{which}": [b"abXd"]})

    comparison = book.compare(BOTH)

    assert (comparison.verdict, comparison.which) == ("different", which)
    assert (comparison.left, comparison.right) == ("target", "baseline")
    assert comparison.difference is not None
    assert comparison.difference.position == 2


def test_a_variant_that_disagrees_with_itself_is_unstable_and_named() -> None:
    book = book_of(
        target_first=[b"a"],
        target_warm=[b"a"],
        baseline_first=[b"a", b"a", b"b"],
        baseline_warm=[b"a"],
    )

    comparison = book.compare(BOTH)

    assert (comparison.verdict, comparison.left, comparison.right) == (
        "unstable",
        "baseline",
        "baseline",
    )


def test_one_variant_alone_is_compared_with_itself() -> None:
    assert book_of(target_first=[b"a"], target_warm=[b"a"]).compare(["target"]).verdict == "equal"


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_a_difference_is_at_the_end_of_the_common_start(left: bytes, right: bytes) -> None:
    if left == right:
        return
    place = Difference.between(left, right).position

    assert left[:place] == right[:place]
    assert left[place : place + 1] != right[place : place + 1]


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_excerpts_are_short(left: bytes, right: bytes) -> None:
    if left == right:
        return
    difference = Difference.between(left, right)

    assert max(len(difference.left), len(difference.right)) <= 24
