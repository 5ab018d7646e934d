"""Which changes of registries are harmless, rule by rule."""

from __future__ import annotations

import pytest
from coldcache.tools.optimize.registry import Entry, describe, is_harmless


def harmless(category: str, key: str, owner: str, *, before: str = "set", **more: object) -> bool:
    return is_harmless(
        Entry(category, key, before, None),
        owner,
        more.get("planned", frozenset()),
        more.get("asked", frozenset()),
    )


@pytest.mark.parametrize(
    ("category", "key", "owner"),
    [
        ("logging", "logger:pkg.sub", "pkg.log"),
        ("warnings", "ignore|pkg.errors.Old|||0", "pkg"),
        ("warnings", "ignore|builtins.Warning|pkg.dtype size changed||0", "pkg"),
        ("warnings", "ignore|builtins.Warning||pkg\\.|0", "pkg.sub"),
        ("registrations", "atexit|pkg.pool.close", "pkg.pool"),
        ("registrations", "atexit|pkg.Pool.close of pkg.Pool instance", "pkg.pool"),
        ("registrations", "os.register_at_fork|after_in_child random.Random.seed", "random"),
        ("copyreg", "type:pkg.kinds.Kind", "pkg.kinds"),
        ("modules", "pkg.vendored.six", "pkg"),
        ("modules", "_cython_3_0_5", "pkg.fast"),
        ("modules", "__mp_main__", "multiprocessing"),
        ("finders", "meta_path|six._SixMetaPathImporter instance|six.moves six.moves.http", "six"),
    ],
)
def test_what_only_the_module_itself_can_notice_is_harmless(
    category: str, key: str, owner: str
) -> None:
    assert harmless(category, key, owner)


@pytest.mark.parametrize(
    ("category", "key", "owner"),
    [
        ("logging", "logger:other", "pkg.log"),
        ("logging", "logger:root", "pkg.log"),
        ("logging", "level:25", "pkg.log"),
        ("warnings", "error|builtins.ResourceWarning|||0", "pkg"),
        ("registrations", "atexit|builtins.print", "pkg"),
        ("registrations", "codecs.register|pkg.search", "pkg"),
        ("registrations", "codecs.register_error|pkg", "pkg"),
        ("modules", "other", "pkg"),
        ("modules", "pkg.alias", "pkg.sub"),
        ("finders", "meta_path|pkg.Finder instance", "pkg"),
        ("finders", "meta_path|pkg.Finder instance|other.name", "pkg"),
        ("finders", "path|/somewhere", "pkg"),
        ("environment", "MODE", "pkg"),
        ("signals", "10", "pkg"),
        ("settings", "locale", "pkg"),
        ("patches", "json|dumps", "pkg"),
    ],
)
def test_what_others_can_notice_is_not(category: str, key: str, owner: str) -> None:
    assert not harmless(category, key, owner)


def test_nothing_is_harmless_while_nobody_knows_who_does_it() -> None:
    assert not harmless("copyreg", "type:pkg.kinds.Kind", "")


def test_a_loggers_settings_matter_while_others_of_its_package_are_loaded() -> None:
    assert not harmless("logging", "logger:pkg", "pkg.log", planned={"pkg", "pkg.other"})


def test_how_a_type_is_pickled_matters_while_the_type_is_there() -> None:
    assert not harmless("copyreg", "type:pkg.kinds.Kind", "pkg.register", planned={"pkg.kinds"})


def test_a_second_name_of_a_compiled_module_is_harmless_unless_it_is_asked_for() -> None:
    before = "alias of pkg.fast"

    assert harmless("modules", "_fast", "pkg.fast", before=before)
    assert not harmless("modules", "_fast", "pkg.fast", before=before, asked={"_fast"})


def test_a_native_interface_matters_while_the_module_is_loaded_in_which_it_lies() -> None:
    place = ("capsules", "pkg|_parser_CAPI", "pkg.parser")

    assert not harmless(*place, planned={"pkg"})
    assert harmless(*place, planned={"other"})
    assert describe(Entry("capsules", "pkg|_parser_CAPI", "capsule", None), "pkg.parser") == (
        "pkg.parser offers to compiled code pkg._parser_CAPI"
    )


def test_a_reader_is_told_the_variable_and_never_its_value() -> None:
    entry = Entry("environment", "TOKEN", "secret", None)

    assert describe(entry, "pkg") == "pkg sets the environment variable TOKEN"
