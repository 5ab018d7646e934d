"""Enable a plan in every interpreter that starts, as `neutrality.py` asks for it."""

from __future__ import annotations

import os

PLANS: dict[str, dict[str, list[str]]] = {
    "empty": {},
    # The hook is in, and no statement is ever deferred: nothing has this name.
    "matching nothing": {"no_module_has_this_name": ["nor_this"]},
}

if "NEUTRALITY_PLAN" in os.environ:
    from coldcache._core import ImportPlan

    if not ImportPlan(PLANS[os.environ["NEUTRALITY_PLAN"]]).enable():
        os._exit(97)  # a hook that is not in proves nothing
