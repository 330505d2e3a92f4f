#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Compare two manifests: what a tree was, and what was restored of it. Prints one line per difference; exit 1 if any.

    faithful.py EXPECTED FOUND [--by-plakar] [--without-xattrs] [--without GLOB]...

With --by-plakar the snapshot was written by Plakar, which stores no device numbers and not every attribute's value:
such a device or attribute may be missing. --without leaves out what the backup's -ignore left out.
"""

import argparse
import fnmatch
import json
import sys

LOST_BY_PLAKAR = {"user.bin"}


def read(name):
    """Path as bytes -> the manifest's other fields."""
    entries = {}
    with open(name) as lines:
        for line in map(json.loads, lines):
            path = bytes.fromhex(line.pop("path_hex")) if "path_hex" in line else line.pop("path").encode()
            entries[path] = line
    return entries


def is_left_out(path, globs):
    parts = path.decode("utf-8", "surrogateescape").split("/")
    return any(fnmatch.fnmatchcase(part, glob) for part in parts for glob in globs)


def allow_for_plakar(expected, found):
    """Takes out of both what Plakar never stored."""
    for path, line in list(expected.items()):
        if "rdev" in line:
            del expected[path]
            found.pop(path, None)
        for name in LOST_BY_PLAKAR & set(line.get("xattrs_hex", {})):
            if name not in found.get(path, {}).get("xattrs_hex", {}):
                del line["xattrs_hex"][name]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("expected")
    parser.add_argument("found")
    parser.add_argument("--by-plakar", action="store_true")
    parser.add_argument("--without-xattrs", action="store_true")
    parser.add_argument("--without", action="append", default=[])
    options = parser.parse_args()
    expected = {path: line for path, line in read(options.expected).items() if not is_left_out(path, options.without)}
    found = read(options.found)
    if options.without_xattrs:
        for line in expected.values():
            line.pop("xattrs_hex", None)
    if options.by_plakar:
        allow_for_plakar(expected, found)
    differences = []
    for path in sorted(expected.keys() | found.keys()):
        before, after = expected.get(path), found.get(path)
        if before is None or after is None:
            differences.append(f"{path!r} is {'missing' if after is None else 'too many'}")
            continue
        for field in sorted(before.keys() | after.keys()):
            if before.get(field) != after.get(field):
                differences.append(f"{path!r}: {field} is {after.get(field)!r}, was {before.get(field)!r}")
    print("\n".join(differences[:50]))
    if len(differences) > 50:
        print(f"and {len(differences) - 50} more")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
