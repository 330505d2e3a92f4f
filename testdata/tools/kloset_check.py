#!/usr/bin/env python3
"""Read and verify a Kloset store (directory) or a .ptar file, independently of Plakar and of Armoire.

Written from a description of the format, not from any program: numbers in comments point to its parts and sections
("1 §9" is the ninth section of the part on storage).
Exit status: 0 all well, 1 problems found (one line each), 2 wrong usage.

--strict adds what a writer must do for real Plakar's sake. Use it without --by-plakar on what Armoire wrote; with it on
what real Plakar wrote, which does not live up to all of that itself: those lines become "known loss".

Reading order of the package: report, records, codec, container, states, store, chunking, objects, snapshot, manifest.
"""

import argparse
import collections
import json
import os
import re
import signal
import sys

from kloset.container import DirectoryContainer, PtarContainer
from kloset.manifest import compare_manifest
from kloset.objects import Objects
from kloset.report import Report, short, text
from kloset.snapshot import Snapshot
from kloset.store import Store


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description="Verify a Kloset store or .ptar.")
    parser.add_argument("store", help="store directory or .ptar file")
    parser.add_argument("--passphrase", help="passphrase of an encrypted store")
    parser.add_argument("--manifest", help="compare with this manifest (JSON lines)")
    parser.add_argument("--snapshot", default="", help="snapshot to compare or list: prefix of its identifier")
    parser.add_argument("--root", default="/", help="directory of the snapshot that the manifest describes")
    parser.add_argument("--list", action="store_true", help="print every entry")
    parser.add_argument("--strict", action="store_true", help="also check what a writer must do for Plakar's sake")
    parser.add_argument("--by-plakar", action="store_true",
                        help="real Plakar wrote the store: list what it is known to lose, do not count it")
    parser.add_argument("--fast", action="store_true", help="do not recompute chunk boundaries and entropies")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    options = parser.parse_args(arguments)
    if not os.path.exists(options.store):
        parser.error(f"{options.store}: no such store")
    return parser, options


def list_entries(snapshot):
    for path, entry in sorted(snapshot.entries.items()):
        info = entry["file_info"]
        print(f"{short(snapshot.header['identifier'])} {info['mode']:08x} {info['nlink']:2} {info['uid']}:{info['gid']}"
              f" {info['size']:9} {text(entry['content_type']):28} {text(path)!r}")


def run(parser, options, report):
    """Checks everything; returns the snapshots that could be read."""
    kind = DirectoryContainer if os.path.isdir(options.store) else PtarContainer
    store = Store(kind(options.store, report), options.passphrase, report)
    store.check_all()
    objects, snapshots = Objects(store, report, options.fast), []
    for identifier in store.states.live_snapshots():
        with report.guard(f"snapshot {short(identifier)}"):
            snapshot = Snapshot(identifier, store, objects, report)
            snapshot.check()
            snapshots.append(snapshot)
            report.counts["snapshots"] += 1
    report.counts["chunks"] = len(objects.chunks_seen)
    chosen = [s for s in snapshots if s.header["identifier"].hex().startswith(options.snapshot)]
    if options.manifest:
        if len(chosen) != 1 and not report.problems:
            parser.error(f"--snapshot {options.snapshot!r} matches {len(chosen)} snapshots")
        with open(options.manifest) as lines:
            manifest = [json.loads(line) for line in lines]
        for snapshot in chosen[:1]:
            compare_manifest(snapshot, manifest, options.root.encode(), report)
    if options.list:
        for snapshot in chosen:
            list_entries(snapshot)


def print_capped(title, lines, most=20):
    """One line each, but of many that differ in names and numbers only, the first ones and how many more."""
    alike = collections.Counter()
    for line in lines:
        kind = re.sub(r"[0-9a-f]{8}|\d+", "#", line.split(": ", 1)[-1])
        alike[kind] += 1
        if alike[kind] <= most:
            print(f"{title}: {line}")
    for kind, count in alike.items():
        if count > most:
            print(f"{title}: {count - most} more like: {kind}")


def main(arguments):
    parser, options = parse_arguments(arguments)
    report = Report(options.strict, options.by_plakar)
    try:
        with report.guard(options.store):
            run(parser, options, report)
    except SystemExit as usage:
        if isinstance(usage.code, str):
            parser.error(usage.code)
        raise
    names = ("snapshots", "entries", "objects", "chunks", "packfiles")
    counts = {name: report.counts[name] for name in names} | {"problems": len(report.problems)}
    if options.json:
        print(json.dumps({**report.counts, **counts, "problem_lines": report.problems, "losses": report.losses,
                          "notes": report.notes}, ensure_ascii=False, indent=1))
    else:
        print_capped("note", report.notes)
        print_capped("known loss", report.losses)
        print_capped("PROBLEM", report.problems)
        print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 1 if report.problems else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
