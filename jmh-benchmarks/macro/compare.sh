#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Whole-process comparison: backs a folder up with Armoire and with each peer that is named, twice, reads all of it back
# in a check, restores it and compares the first restore with the source. Prints a Markdown report on standard output.
#
#   compare.sh [FOLDER]        default: 2 GiB of random data in 8 files, made for the occasion
#
# RESTIC, PLAKAR   paths of the peers; one that is not named does not take part
# RUNS             how often everything is done, default 1; every run is a line of the table
# CORES            which cores may be used, as taskset takes them, default 0,1
# WORK             where stores and restored files go (about three times the data), default a new folder in TMPDIR
#
# All stores are encrypted, each program runs with its defaults, and the source is in the page cache before every step.
# The store is written to the same file system as the restored files. Needs GNU time.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cores=${CORES:-0,1}
runs=${RUNS:-1}
export ARMOIRE_PASSPHRASE='comparison of seven programs, no secret'
export RESTIC_PASSWORD=$ARMOIRE_PASSPHRASE PLAKAR_PASSPHRASE=$ARMOIRE_PASSPHRASE

/usr/bin/time -f '%e' true 2> /dev/null || {
    echo "compare.sh: GNU time is needed as /usr/bin/time" >&2
    exit 69
}
"$root/armoire" version > /dev/null # builds, if needed, outside of the measurement

if [ -n "${WORK:-}" ]; then
    mkdir -p "$WORK"
    work=$(mktemp -d "$WORK/compare.XXXXXX")
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/armoire-compare.XXXXXX")
fi
trap 'chmod -R u+rwx "$work" 2> /dev/null; rm -rf "$work"' EXIT
# Caches of the programs belong to the measurement and start empty.
export HOME=$work/home XDG_CACHE_HOME=$work/cache XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data
mkdir -p "$HOME"

if [ $# -gt 0 ]; then
    source=$(cd "$1" && pwd -P)
    described="$1"
else
    source=$work/source
    described="2 GiB of random data in 8 files"
    mkdir "$source"
    for number in 1 2 3 4 5 6 7 8; do
        head -c $((256 << 20)) /dev/urandom > "$source/random-$number"
    done
fi

armoire_create() { "$root/armoire" at "$store" create; }
armoire_backup() { echo "$root/armoire" at "$store" -quiet backup "$source"; }
armoire_check() { echo "$root/armoire" at "$store" -quiet check; }
armoire_restore() { echo "$root/armoire" at "$store" -quiet restore -to "$restored"; }
armoire_version() { echo "armoire $(git -C "$root" describe --always --dirty), $("$root/armoire" version)"; }

restic_create() { "$RESTIC" -q -r "$store" init; }
restic_backup() { echo "$RESTIC" -q -r "$store" backup "$source"; }
restic_check() { echo "$RESTIC" -q -r "$store" check --read-data; }
restic_restore() { echo "$RESTIC" -q -r "$store" restore latest --target "$restored"; }
restic_version() { "$RESTIC" version; }

plakar_create() { "$PLAKAR" -quiet at "$store" create; }
plakar_backup() { echo "$PLAKAR" -quiet at "$store" backup "$source"; }
plakar_check() { echo "$PLAKAR" -quiet at "$store" check; }
plakar_restore() { echo "$PLAKAR" -quiet at "$store" restore -to "$restored"; }
plakar_version() { "$PLAKAR" version; }

# Measures step $2 of program $1: sets seconds, and raises peak_kib.
measure() {
    local program=$1 step=$2 result
    local -a command
    # Paths with blanks are not worth the trouble here: work and tools are where the caller put them.
    read -ra command <<< "$("${program}_$step")"
    find "$source" -type f -exec cat {} + > /dev/null
    sync
    if ! taskset -c "$cores" /usr/bin/time -f '%e %M' -o "$work/time" "${command[@]}" > "$work/output" 2>&1 < /dev/null; then
        echo "compare.sh: failed: ${command[*]}" >&2
        tail -n 20 "$work/output" >&2
        exit 1
    fi
    read -r seconds result < "$work/time"
    if [ "$result" -gt "$peak_kib" ]; then
        peak_kib=$result
    fi
}

size_mib() {
    du -sm "$1" | cut -f 1
}

programs=(armoire)
if [ -n "${RESTIC:-}" ]; then programs+=(restic); fi
if [ -n "${PLAKAR:-}" ]; then programs+=(plakar); fi

files=$(find "$source" -type f | wc -l)
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%d MiB", $2 / 1024 }' /proc/meminfo)
echo "Source: $described ($files files, $(size_mib "$source") MiB on disk), encrypted stores, warm page cache, cores $cores."
echo
echo "* Machine: $model, $(nproc) cores online, $memory; $(uname -sr); $(df -T "$work" | awk 'NR == 2 { print $2 }')"
echo "* JDK: $("$(sed -n 3p "$root/cli/target/app/jdk")/bin/java" -version 2>&1 | sed -n 2p)"
for program in "${programs[@]}"; do
    echo "* $("${program}_version" | head -n 1)"
done
echo "* Command: \`$(basename "$0") $*\`, $(date -u +%Y-%m-%dT%H:%M:%SZ)"
echo
echo "| Program | run | first backup s | unchanged s | check all data s | restore s | peak resident MiB | store MiB |"
echo "|---|---|---|---|---|---|---|---|"
for run in $(seq "$runs"); do
    for program in "${programs[@]}"; do
        store=$work/store-$program
        restored=$work/restored-$program
        rm -rf "$store" "$restored"
        "${program}_create" > "$work/output" 2>&1 < /dev/null || {
            cat "$work/output" >&2
            exit 1
        }
        peak_kib=0
        measure "$program" backup
        line="| $program | $run | $seconds"
        measure "$program" backup
        line="$line | $seconds"
        measure "$program" check
        line="$line | $seconds"
        measure "$program" restore
        line="$line | $seconds | $((peak_kib / 1024)) | $(size_mib "$store") |"
        if [ "$run" = 1 ]; then
            # restic restores below the target under the full path of the source.
            top=$restored
            if [ -d "$restored$source" ]; then top=$restored$source; fi
            diff -r --no-dereference "$source" "$top" > "$work/output" 2>&1 || {
                echo "compare.sh: what $program restored is not what it backed up:" >&2
                head -n 20 "$work/output" >&2
                exit 1
            }
        fi
        rm -rf "$restored" "$store"
        echo "$line"
    done
done
