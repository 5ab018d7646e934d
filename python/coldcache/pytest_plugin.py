"""Startup budgets in pytest: the marker ``startup_budget``, and the fixture ``startup``.

    @pytest.mark.startup_budget(function="src:app.handler", modules=150, forbid=["pandas"])
    def test_the_handler_starts_light(startup):
        assert "boto3" not in startup.modules

pytest loads this file in every run of an environment that has coldcache, so it does nothing until a
test has the marker: the tools are imported then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from coldcache.tools.budget import Budget, Startup
    from coldcache.tools.budget.session import Session

_MARKER = "startup_budget"
_SHARED = "coldcache_budget_folder"
_session = pytest.StashKey["Session"]()
_shared = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(name): the test fails if the function of this budget in pyproject.toml starts "
        "heavier than allowed; or (function=..., modules=..., forbid=[...], ...): the budget here",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the workers of pytest-xdist a folder, so that each function is measured once."""
    import tempfile  # noqa: PLC0415 - only where there are workers

    config = node.config
    if _shared not in config.stash:
        config.stash[_shared] = tempfile.mkdtemp(prefix="coldcache-budget-")
    node.workerinput[_SHARED] = config.stash[_shared]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what was made for this run."""
    if _session in config.stash:
        config.stash[_session].close()
    if _shared in config.stash:
        import shutil  # noqa: PLC0415 - as above

        shutil.rmtree(config.stash[_shared], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Check the budget of a test that has one, before its own code runs."""
    if item.get_closest_marker(_MARKER) is None:
        return
    from coldcache.tools.budget.session import NotCounted  # noqa: PLC0415 - see the top
    from coldcache.tools.lab.errors import LabError  # noqa: PLC0415 - see the top

    not_counted = ""
    try:
        budget, session = _budget(item), _open(item.config)
        has_fixture = "startup" in getattr(item, "fixturenames", ())
        problem, not_counted = session.check(budget, is_looked_at=has_fixture)
    except LabError as error:
        problem = _text(error)
    if problem:
        pytest.fail(problem, pytrace=False)
    if not_counted:
        item.warn(NotCounted(not_counted))


@pytest.fixture
def startup(request: pytest.FixtureRequest) -> Startup:
    """What the start of the function of this test's budget was counted to be."""
    from coldcache.tools.lab.errors import LabError  # noqa: PLC0415 - see the top

    try:
        return _open(request.config).startup(_budget(request.node))
    except LabError as error:
        problem = _text(error)
    pytest.fail(problem, pytrace=False)


def _budget(item: pytest.Item) -> Budget:
    from coldcache.tools.lab.errors import UsageError  # noqa: PLC0415 - see the top

    marker = item.get_closest_marker(_MARKER)
    if marker is None:
        raise UsageError(
            f"the fixture startup needs a function; mark the test with @pytest.mark.{_MARKER}"
            '(function="src:app.handler")'
        )
    return _open(item.config).budget(marker.args, marker.kwargs, where=f"@pytest.mark.{_MARKER}")


def _open(config: pytest.Config) -> Session:
    """The session of this process; opened when first needed."""
    if _session not in config.stash:
        from coldcache.tools.budget.session import Session  # noqa: PLC0415 - see the top

        shared = getattr(config, "workerinput", {}).get(_SHARED)
        config.stash[_session] = Session(config.rootpath, shared=shared)
    return config.stash[_session]


def _text(error: Exception) -> str:
    details = getattr(error, "details", "")
    return f"{error}\n\n{details}" if details else str(error)
