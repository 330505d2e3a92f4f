#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Prints how many blobs of each type a store's states locate, every copy counted: `chunk=197 object=197 ...`.

    stored.py TOOLS STORE [PASSPHRASE]        TOOLS is the folder of the independent checker
"""

import collections
import sys

sys.path.insert(0, sys.argv[1])

from kloset.container import DirectoryContainer  # noqa: E402
from kloset.report import Report, TYPE_NAMES  # noqa: E402
from kloset.store import Store  # noqa: E402

report = Report()
store = Store(DirectoryContainer(sys.argv[2], report), sys.argv[3] if len(sys.argv) > 3 else None, report)
store.check_all()
counts = collections.Counter()
for (kind, _), places in store.states.locations.items():
    counts[TYPE_NAMES[kind]] += len(places)
print(*(f"{name}={count}" for name, count in sorted(counts.items()) if name != "random"))
