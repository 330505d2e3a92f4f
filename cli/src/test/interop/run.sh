#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Runs the built program as a user would and lets others judge: the independent checker what it wrote, manifests what it
# restored. Stores of real Plakar are read, restored and written on.
#
#   run.sh [FOLDER OF MORE FIXTURES]...
#
# ARMOIRE   the program, default the launcher of this checkout
# PYTHON    a Python with what testdata/tools/requirements.txt names
# PLAKAR    a real Plakar, v1.1.4: it and ours serve stores to each other, and it reads our archives; without it that is left out
# PLAKAR_SFTP, PLAKAR_S3   plug-ins for it, as `plakar pkg create` makes them: it and we share a folder of an sshd and a bucket. The
#           bucket is in S3_LOCATION, as s3://HOST:PORT/BUCKET without TLS, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
# ONLY      a pattern: only the parts whose name it matches (own fixtures killed damaged mistakes peers far)
#
# Prints a line per failure, and at last "N passed, M failed"; exits 1 if any failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../../../.." && pwd -P)
program=${ARMOIRE:-$root/armoire}
python=${PYTHON:-python3}
tools=$root/testdata/tools
fixtures=$root/testdata/fixtures
fixture_passphrase='correct horse battery staple 42!'
own_passphrase='a passphrase of this test, 7 words'
passed=0
failed=0

"$program" version > /dev/null # builds, if needed, with the caller's environment

work=$(mktemp -d "${TMPDIR:-/tmp}/armoire-interop.XXXXXX")
trap 'chmod -R u+rwx "$work" 2> /dev/null; rm -rf "$work"' EXIT
export HOME=$work/home XDG_CACHE_HOME=$work/cache XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data
unset PLAKAR_PASSPHRASE PLAKAR_REPOSITORY PLAKAR_TAGS ARMOIRE_PASSPHRASE ARMOIRE_REPOSITORY ARMOIRE_TAGS
mkdir -p "$HOME" "$work/stores" "$work/trees"

# One test: its name, then the command that decides. What it printed is shown if it fails.
try() {
    local name=$1
    shift
    if "$@" > "$work/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
        tail -n 15 "$work/output" | sed 's/^/    /'
    fi
}

# Runs the program on store $1 with the passphrase in $passphrase, if any.
at() {
    local store=$1
    shift
    if [ -n "${passphrase:-}" ]; then
        ARMOIRE_PASSPHRASE=$passphrase timeout 300 "$program" at "$store" "$@" < /dev/null
    else
        timeout 300 "$program" at "$store" "$@" < /dev/null
    fi
}

# True if the command behind the comma-separated list of exit codes ends with one of them.
exits() {
    local wanted=$1 code=0
    shift
    "$@" || code=$?
    [[ ",$wanted," == *",$code,"* ]] || {
        echo "exit code $code, expected $wanted: $*"
        return 1
    }
}

# True if the command behind the pattern fails, and says something that matches.
complains() {
    local wanted=$1 pattern=$2
    shift 2
    exits "$wanted" "$@" > "$work/said" 2>&1 || {
        cat "$work/said"
        return 1
    }
    grep -Eiq -- "$pattern" "$work/said" || {
        echo "nothing like '$pattern' in:"
        cat "$work/said"
        return 1
    }
}

# Identifiers of the snapshots of store $1, newest first; nothing if it cannot be listed, which fails what follows.
snapshots() {
    at "$1" ls 2> /dev/null | awk '{ print $2 }' || true
}

newest() {
    snapshots "$1" | sed -n 1p
}

oldest() {
    snapshots "$1" | sed -n '$p'
}

# True if store $1 lists snapshots, but not $2.
is_gone() {
    [ -n "$2" ] && snapshots "$1" > "$work/listed" && [ -s "$work/listed" ] && ! grep -qx -- "$2" "$work/listed"
}

judge() {
    "$python" "$tools/kloset_check.py" ${passphrase:+--passphrase "$passphrase"} "$@"
}

stored() {
    "$python" "$here/stored.py" "$tools" "$1" ${passphrase:+"$passphrase"}
}

# The number behind NAME= in such a line.
count_of() {
    tr ' ' '\n' <<< "$2" | sed -n "s/^$1=//p"
}

# True if from one such line to the next no more was stored than listings of so many folders: each is a chunk and an object.
only_listings() {
    local chunks objects
    chunks=$(($(count_of chunk "$2") - $(count_of chunk "$1")))
    objects=$(($(count_of object "$2") - $(count_of object "$1")))
    [ "$chunks" = "$objects" ] && [ "$chunks" -ge 0 ] && [ "$chunks" -le "$3" ]
}

# Number of folders above a path, whose times change under our hands.
folders_above() {
    tr -cd / <<< "$1" | wc -c
}

# The independent checker compares newest snapshot and source.
judged_equal() {
    judge --strict --snapshot "$(newest "$1")" --root "$2" --manifest "$2.jsonl" "$1"
}

restored_equal() {
    local store=$1 snapshot=$2 manifest=$3
    shift 3
    rm -rf "$work/restored"
    exits "${restore_exits:-0}" at "$store" -quiet restore -to "$work/restored" "$snapshot" || return 1
    "$python" "$fixtures/manifest.py" "$work/restored" > "$work/restored.jsonl"
    "$python" "$here/faithful.py" "$manifest" "$work/restored.jsonl" "$@"
}

make_trees() {
    local tree
    if [ "$(id -u)" = 0 ]; then
        "$python" "$fixtures/make-source.py" small "$work/trees/small" 1
        try "the tree is the one that Plakar backed up" \
            diff <("$python" "$fixtures/manifest.py" "$work/trees/small") "$fixtures/small.jsonl"
    else
        echo "not root: no device nodes or foreign owners in the tree, and fixtures are not compared"
        mkdir "$work/trees/small"
        "$python" "$fixtures/make-source.py" wide "$work/trees/small" 3
    fi
    "$python" "$fixtures/make-source.py" wide "$work/trees/wide" 2
    mkdir "$work/trees/empty" "$work/trees/one"
    echo 'one file' > "$work/trees/one/file.txt"
    for tree in small wide empty one; do
        "$python" "$fixtures/manifest.py" "$work/trees/$tree" > "$work/trees/$tree.jsonl"
    done
}

# A store of our own, from its creation to a removal. $1 its name, the rest flags of create.
own_store() {
    local name=$1 store=$work/stores/$1 tree before after first
    shift
    try "$name: create" exits 0 at "$store" create "$@"
    try "$name: the checker reads a store without snapshots" judge --strict "$store"
    for tree in ${trees:-empty one small wide}; do
        try "$name: backup of $tree" exits 0 at "$store" -quiet backup "$work/trees/$tree"
        # It reads the whole store each time, and gets to see the small tree below.
        [ "$tree" = small ] || try "$name: $tree as the checker sees it" judged_equal "$store" "$work/trees/$tree"
        try "$name: $tree restored" restored_equal "$store" "$(newest "$store")" "$work/trees/$tree.jsonl"
    done
    try "$name: check" exits 0 at "$store" -quiet check

    before=$(stored "$store" || true)
    try "$name: second backup of small" exits 0 at "$store" backup "$work/trees/small"
    cp "$work/output" "$work/second"
    try "$name: an unchanged tree has no new chunks" grep 'stored 0 new chunks of 0 B' "$work/second"
    after=$(stored "$store" || true)
    echo "$name: an unchanged backup went from $before to $after"
    try "$name: an unchanged tree stores no content" only_listings "$before" "$after" \
        "$(folders_above "$work/trees/small")"
    try "$name: second backup as the checker sees it" judged_equal "$store" "$work/trees/small"

    rm -rf "$work/trees/changing"
    cp -a "$work/trees/wide" "$work/trees/changing"
    try "$name: backup of a copy" exits 0 at "$store" -quiet backup "$work/trees/changing"
    rm -rf "$work/trees/changing/delta"
    find "$work/trees/changing/alpha" -type f | sed -n 1,20p | while IFS= read -r file; do echo more >> "$file"; done
    ln -s nowhere "$work/trees/changing/new-link"
    mkdir "$work/trees/changing/new-folder"
    "$python" "$fixtures/manifest.py" "$work/trees/changing" > "$work/trees/changing.jsonl"
    try "$name: backup after changes" exits 0 at "$store" -quiet backup "$work/trees/changing"
    try "$name: changes as the checker sees them" judged_equal "$store" "$work/trees/changing"

    first=$(oldest "$store")
    try "$name: removal of the first snapshot" exits 0 at "$store" rm -apply "$first"
    try "$name: the removed snapshot is gone" is_gone "$store" "$first"
    try "$name: and no longer opens" exits 1 at "$store" ls "$first"
    try "$name: the checker after the removal" judge --strict "$store"
    try "$name: check after the removal" exits 0 at "$store" -quiet check
    try "$name: the newest restores after the removal" \
        restored_equal "$store" "$(newest "$store")" "$work/trees/changing.jsonl"
}

# What a store goes through when it grows old. $1 its name, as own_store left it.
old_store() {
    local name=$1 store=$work/stores/$1 first
    first=$(newest "$store")
    try "$name: removal of the newest" exits 0 at "$store" rm -apply "$first"
    find "$store/states" -type f -delete
    try "$name: without states it has no snapshots" [ -z "$(snapshots "$store")" ]
    try "$name: repair" exits 0 at "$store" repair -apply
    try "$name: the checker after repair" judge --strict "$store"
    try "$name: repair gave back what was removed, too" exits 0 at "$store" ls "$first"
    try "$name: removal again" exits 0 at "$store" rm -apply "$first" "$(oldest "$store")"
    try "$name: repacking" exits 0 at "$store" maintenance -repack 10
    try "$name: the checker after repacking" judge --strict "$store"
    maintained "$name" "$store"
    try "$name: backup after maintenance" exits 0 at "$store" -quiet backup "$work/trees/changing"
    try "$name: backup after maintenance as the checker sees it" judged_equal "$store" "$work/trees/changing"
}

# Snapshots of a store as own_store left it, brought to a new one. $1 its name, the rest flags of create for the new one.
travelled() {
    local from=$work/stores/$1 to=$work/stores/from-$1
    shift
    passphrase=$own_passphrase try "sync to $to: create" exits 0 at "$to" create "$@"
    ARMOIRE_PEER_PASSPHRASE=$own_passphrase passphrase='' try "sync to $to" exits 0 at "$from" sync to "$to"
    passphrase=$own_passphrase try "sync to $to: the same snapshots" \
        [ "$(passphrase='' snapshots "$from")" = "$(passphrase=$own_passphrase snapshots "$to")" ]
    passphrase=$own_passphrase try "sync to $to: the checker" judge --strict "$to"
    passphrase=$own_passphrase try "sync to $to: check" exits 0 at "$to" -quiet check
    passphrase=$own_passphrase try "sync to $to: the newest restored" \
        restored_equal "$to" "$(passphrase=$own_passphrase newest "$to")" "$work/trees/changing.jsonl"
    passphrase=$own_passphrase try "sync to $to: the newest as the checker sees it" \
        judged_equal "$to" "$work/trees/changing"
    passphrase=$own_passphrase try "sync to $to: dup" exits 0 at "$to" dup "$(passphrase=$own_passphrase newest "$to")"
    passphrase=$own_passphrase try "sync to $to: repacked" exits 0 at "$to" maintenance -repack 1
    passphrase=$own_passphrase try "sync to $to: the checker at the end" judge --strict "$to"
}

# An archive of a store as own_store left it, and of a tree. $1 its name, the rest flags of ptar.
archived() {
    local from=$work/stores/$1 to=$work/stores/$1.ptar
    shift
    ARMOIRE_PEER_PASSPHRASE='' ARMOIRE_PASSPHRASE=$own_passphrase try "archive $to" \
        exits 0 "$program" -quiet ptar -o "$to" "$@" -k "$from" "$work/trees/small"
    try "archive $to: the checker" judge --strict "$to"
    try "archive $to: check" exits 0 at "$to" -quiet check
    try "archive $to: the newest restored" restored_equal "$to" "$(newest "$to")" "$work/trees/small.jsonl"
    try "archive $to: the newest as the checker sees it" judged_equal "$to" "$work/trees/small"
}

# Snapshots of a store as own_store left it, brought to a new archive and from there to a new store. $1 its name, the rest flags of
# sync. The archive is encrypted if $passphrase is set.
travelled_by_archive() {
    local from=$work/stores/$1 by=$work/stores/by-$1${passphrase:+-encrypted}.ptar to
    to=${by%.ptar}
    shift
    ARMOIRE_PEER_PASSPHRASE=$passphrase passphrase='' try "sync to $by" exits 0 at "$from" -quiet sync "$@" to "$by"
    try "sync to $by: the same snapshots" [ "$(passphrase='' snapshots "$from")" = "$(snapshots "$by")" ]
    try "sync to $by: the checker" judge --strict "$by"
    try "sync to $by: check" exits 0 at "$by" -quiet check
    try "sync to $by: the newest as the checker sees it" judged_equal "$by" "$work/trees/changing"
    try "sync to $by: again" complains 1 'already exists' at "$from" sync to "$by"
    passphrase='' try "sync from $by: create" exits 0 at "$to" create -plaintext
    ARMOIRE_PEER_PASSPHRASE=$passphrase passphrase='' try "sync from $by" exits 0 at "$to" -quiet sync from "$by"
    passphrase='' try "sync from $by: the checker" judge --strict "$to"
    passphrase='' try "sync from $by: the newest as the checker sees it" judged_equal "$to" "$work/trees/changing"
}

own() {
    passphrase='' own_store plaintext -plaintext
    passphrase='' archived plaintext -plaintext
    passphrase=$own_passphrase archived plaintext -overwrite -hashing SHA256 -no-compression
    travelled plaintext -hashing SHA256
    passphrase='' travelled_by_archive plaintext -plaintext
    passphrase=$own_passphrase travelled_by_archive plaintext
    passphrase='' old_store plaintext
    trees=small passphrase='' own_store nocompression -plaintext -no-compression
    passphrase=$own_passphrase own_store encrypted
    passphrase=$own_passphrase old_store encrypted
}

# The snapshots that a fixture is known to hold: prefix, manifest, and what Plakar left out of it.
known_snapshots() {
    case $1 in
        plaintext | fromstore.ptar)
            echo '3f544fc3 small.jsonl'
            echo '75fb2ba9 wide.jsonl'
            echo '10848ab4 wide-second.jsonl'
            echo '6ab87e16 small.jsonl --without *.bin --without many --without-xattrs'
            ;;
        encrypted)
            echo '5f285503 small.jsonl'
            echo '8ef22eaf small.jsonl'
            ;;
        nocompression) echo '8926be2d small.jsonl' ;;
        sha256) echo '4445a500 small.jsonl' ;;
        removed) echo '9fef6698 small.jsonl' ;;
        plain.ptar) echo 'a15c196b small.jsonl' ;;
        encrypted.ptar) echo 'f2d4a41d small.jsonl' ;;
    esac
}

fixture() {
    local folder=$1 name=$2 store=$work/stores/fixture-$2 label line prefix manifest first before after
    local -a allowances
    label="$(basename "$folder")/$name"
    rm -rf "$store"
    cp -R "$folder/$name" "$store"
    chmod -R u+w "$store"
    case $name in
        *.ptar)
            mv "$store" "$store.ptar"
            store=$store.ptar
            ;;
    esac
    try "$label: ls" exits 0 at "$store" ls
    try "$label: info" exits 0 at "$store" info
    try "$label: check" exits 0 at "$store" -quiet check
    if [ "$(id -u)" = 0 ]; then
        while IFS= read -r line; do
            set -f
            read -ra allowances <<< "$line"
            set +f
            prefix=${allowances[0]}
            manifest=$fixtures/${allowances[1]}
            # Devices whose numbers were never stored cannot be made: restoring says so and ends with 3.
            restore_exits=0,3 try "$label: $prefix restored" \
                restored_equal "$store" "$prefix" "$manifest" --by-plakar "${allowances[@]:2}"
        done < <(known_snapshots "$name")
    fi
    if [[ $name = *.ptar ]]; then
        try "$label: refuses to be written" complains 1 'not writable|read.only' at "$store" backup "$work/trees/one"
        return
    fi
    first=$(oldest "$store")
    before=$(stored "$store" || true)
    try "$label: backup into it" exits 0 at "$store" backup "$work/trees/small"
    cp "$work/output" "$work/backup"
    after=$(stored "$store" || true)
    if [ "$(id -u)" = 0 ] && known_snapshots "$name" | grep -q small; then
        # Listings hold inodes and whole paths, and these are not the ones that Plakar saw.
        try "$label: the tree that is there already has no new chunks" grep 'stored 0 new chunks of 0 B' "$work/backup"
        try "$label: and adds no content ($before, then $after)" only_listings "$before" "$after" \
            "$(($(find "$work/trees/small" -type d | wc -l) + $(folders_above "$work/trees/small")))"
    fi
    try "$label: the checker after our backup" judge --strict --by-plakar "$store"
    try "$label: our snapshot restored" restored_equal "$store" "$(newest "$store")" "$work/trees/small.jsonl"
    try "$label: removal of its first snapshot" exits 0 at "$store" rm -apply "$first"
    try "$label: the removed snapshot is gone" is_gone "$store" "$first"
    try "$label: backup after the removal" exits 0 at "$store" -quiet backup "$work/trees/wide"
    try "$label: the checker at the end" judge --strict --by-plakar "$store"
    try "$label: check at the end" exits 0 at "$store" -quiet check
    maintained "$label" "$store" --by-plakar
}

# Maintenance in two runs without a grace period: what is left is whole. $1 label, $2 store, the rest for the checker.
maintained() {
    local label=$1 store=$2 listed
    shift 2
    listed=$(snapshots "$store")
    try "$label: maintenance" exits 0 at "$store" maintenance
    [ $# = 0 ] && try "$label: the checker after colouring" judge --strict "$store"
    PLAKAR_GRACEPERIOD=0s try "$label: maintenance that removes" exits 0 at "$store" maintenance
    try "$label: the checker after maintenance" judge --strict "$@" "$store"
    try "$label: check after maintenance" exits 0 at "$store" -quiet check
    try "$label: maintenance removed no snapshot" [ "$listed" = "$(snapshots "$store")" ]
}

all_fixtures() {
    local folder name
    for folder in "$fixtures" "$@"; do
        for name in $(cd "$folder" && ls); do
            # A further folder may hold the same stores again.
            if [ "$folder" != "$fixtures" ] && [ -e "$fixtures/$name" ]; then
                continue
            fi
            if [ -f "$folder/$name/CONFIG" ] || [[ $name = *.ptar ]]; then
                if [[ $name = encrypted* ]]; then
                    passphrase=$fixture_passphrase fixture "$folder" "$name"
                else
                    passphrase='' fixture "$folder" "$name"
                fi
            fi
        done
    done
}

# kill -9 at several moments: the store opens, checks, gives back what it had, and takes the next backup.
killed() {
    local store=$work/stores/killed tenths tree=$work/trees/killed
    passphrase=
    mkdir -p "$tree"
    head -c 100000000 /dev/urandom > "$tree/random"
    cp -a "$work/trees/wide" "$tree/wide"
    try "killed: create" exits 0 at "$store" create -plaintext
    try "killed: first backup" exits 0 at "$store" -quiet backup "$work/trees/wide"
    for tenths in 2 3 4 5 7 10; do
        head -c 20000000 /dev/urandom >> "$tree/random"
        "$program" at "$store" -quiet backup "$tree" > /dev/null 2>&1 < /dev/null &
        local process=$!
        sleep "$((tenths / 10)).$((tenths % 10))"
        kill -9 "$process" 2> /dev/null || true
        wait "$process" 2> /dev/null || true
        try "killed after 0.$tenths s: check" exits 0 at "$store" -quiet check
        try "killed after 0.$tenths s: the first snapshot restores" \
            restored_equal "$store" "$(oldest "$store")" "$work/trees/wide.jsonl"
    done
    "$python" "$fixtures/manifest.py" "$tree" > "$tree.jsonl"
    try "killed: the next backup" exits 0 at "$store" -quiet backup "$tree"
    try "killed: the next backup as the checker sees it" judged_equal "$store" "$tree"
}

# Changes one byte in the middle of file $1.
flip_byte() {
    "$python" - "$1" << 'END'
import os, sys
with open(sys.argv[1], "r+b") as file:
    at = os.path.getsize(sys.argv[1]) // 2
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 0x20]))
END
}

# A changed byte in any stored thing is found; in a packfile of contents, the file is named.
damaged() {
    local store=$work/stores/damaged good=$work/stores/undamaged file tree=$work/trees/damaged
    passphrase=
    mkdir -p "$tree"
    head -c 3000000 /dev/urandom > "$tree/the-damaged-file"
    try "damaged: create" exits 0 at "$good" create -plaintext
    try "damaged: backup" exits 0 at "$good" -quiet backup "$tree"
    for file in $(cd "$good" && find CONFIG packfiles states -type f); do
        rm -rf "$store"
        cp -a "$good" "$store"
        chmod u+w "$store/$file"
        flip_byte "$store/$file"
        if [ "$(stat -c %s "$store/$file" 2> /dev/null || stat -f %z "$store/$file")" -gt 2500000 ]; then
            try "damaged: check names the file" complains 65 'the-damaged-file' at "$store" check
            try "damaged: restore gives no wrong bytes" exits 65 at "$store" restore -to "$work/damaged" "$(newest "$good")"
            try "damaged: what is damaged is not there" [ ! -e "$work/damaged/the-damaged-file" ]
            try "damaged: cat" exits 65 at "$store" cat "$(newest "$good"):the-damaged-file"
        else
            try "damaged: check sees it in ${file%%/*}" exits 65 at "$store" check
        fi
    done
}

# What a new user gets wrong.
mistakes() {
    local store=$work/stores/mistakes locked=$work/stores/locked snapshot
    passphrase=
    try "mistakes: create" exits 0 at "$store" create -plaintext
    try "mistakes: backup" exits 0 at "$store" -quiet backup "$work/trees/one"
    snapshot=$(newest "$store")
    try "mistakes: create twice" complains 1 'already' at "$store" create -plaintext
    try "mistakes: no store there" complains 66 "$work/nowhere" at "$work/nowhere" ls
    try "mistakes: a folder that is no store" exits 66 at "$work/trees" ls
    try "mistakes: unknown flag" complains 64 'recursive' at "$store" ls -recursiv
    try "mistakes: unknown command" complains 64 'backup' at "$store" backpu "$work/trees/one"
    try "mistakes: no command" exits 64 timeout 60 "$program"
    try "mistakes: unknown snapshot" complains 1 'ffff' at "$store" ls ffffffffffff
    try "mistakes: path not in snapshot" complains 1 'nosuch' at "$store" cat "$snapshot:nosuch"
    try "mistakes: empty identifier removes nothing" exits 1,64 at "$store" rm -apply ""
    try "mistakes: it is still there" [ "$(newest "$store")" = "$snapshot" ]
    try "mistakes: nothing to back up" complains 1 'nosuch' at "$store" backup "$work/trees/nosuch"
    try "mistakes: create without a passphrase" complains 77 'PASSPHRASE' at "$work/stores/none" create
    try "mistakes: and nothing was written" [ ! -e "$work/stores/none/CONFIG" ]
    passphrase=$own_passphrase
    try "mistakes: create an encrypted one" exits 0 at "$locked" create
    passphrase='another passphrase, wrong'
    try "mistakes: wrong passphrase" complains 77 'passphrase' at "$locked" ls
    passphrase=
    try "mistakes: no passphrase" complains 77 'PASSPHRASE' at "$locked" ls
}

# Runs real Plakar on store $1, and takes away the locks that it leaves in the folder $2.
plakar_at() {
    local store=$1 folder=$2 code=0
    shift 2
    PLAKAR_PASSPHRASE=${passphrase:-} timeout 120 "$PLAKAR" -quiet at "$store" "$@" < /dev/null || code=$?
    rm -rf "${folder:?}"/locks/*
    return "$code"
}

# Starts the server that the arguments behind the port name, and waits until it listens. Its process is then in $server.
serve() {
    local port=$1 tries
    shift
    "$@" > "$work/server" 2>&1 < /dev/null &
    server=$!
    for tries in $(seq 100); do
        if (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
            return
        fi
        sleep 0.2
    done
    echo "no server on port $port after $tries tries"
    cat "$work/server"
}

stop_serving() {
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
}

# Real Plakar and we through each other's servers, and in each other's archives.
peers() {
    local store=$work/stores/peers port=$((20000 + RANDOM % 10000)) tree=$work/trees/one archive=$work/stores/peers.ptar server
    if [ -z "${PLAKAR:-}" ]; then
        echo "no PLAKAR: real Plakar's server, client and archives are left out"
        return
    fi
    for passphrase in '' "$own_passphrase"; do
        rm -rf "$store" "$archive"
        if [ -n "$passphrase" ]; then
            try "peers: create" exits 0 at "$store" create
        else
            try "peers: create" exits 0 at "$store" create -plaintext
        fi
        serve "$port" "$program" at "$store" server -listen "127.0.0.1:$port"
        try "peers: Plakar backs up to our server" plakar_at "http://127.0.0.1:$port" "$store" backup "$tree"
        try "peers: Plakar checks at our server" plakar_at "http://127.0.0.1:$port" "$store" check
        stop_serving
        try "peers: the checker after that" judge --strict --by-plakar "$store"
        PLAKAR_PASSPHRASE=$passphrase serve "$((port + 1))" "$PLAKAR" at "$store" server -listen "127.0.0.1:$((port + 1))"
        try "peers: we back up to Plakar's server" exits 0 at "http://127.0.0.1:$((port + 1))" -quiet backup "$work/trees/wide"
        try "peers: we check at Plakar's server" exits 0 at "http://127.0.0.1:$((port + 1))" -quiet check
        stop_serving
        rm -rf "$store"/locks/*
        try "peers: the checker at the end" judge --strict --by-plakar "$store"
        try "peers: our snapshot restored" restored_equal "$store" "$(newest "$store")" "$work/trees/wide.jsonl"
        ARMOIRE_PEER_PASSPHRASE=$passphrase try "peers: sync to an archive" \
            exits 0 at "$store" -quiet sync $([ -n "$passphrase" ] || echo -plaintext) to "$archive"
        try "peers: Plakar checks our archive" plakar_at "$archive" "$store" check
        rm -rf "$archive" "$work/stores/back"
        try "peers: Plakar makes an archive" env PLAKAR_PASSPHRASE="$passphrase" timeout 120 "$PLAKAR" -quiet ptar \
            $([ -n "$passphrase" ] || echo -plaintext) -o "$archive" "$work/trees/wide"
        passphrase='' try "peers: create one more" exits 0 at "$work/stores/back" create -plaintext
        ARMOIRE_PEER_PASSPHRASE=$passphrase passphrase='' try "peers: sync from Plakar's archive" \
            exits 0 at "$work/stores/back" -quiet sync from "$archive"
        passphrase='' try "peers: it came whole" judge --strict --by-plakar "$work/stores/back"
        port=$((port + 2))
    done
}

# An sshd on the loopback that lets $work/key in, on port $1.
serve_sftp() {
    local port=$1 name
    for name in host key; do
        ssh-keygen -q -t ed25519 -N '' -f "$work/$name"
    done
    printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $work/host" "AuthorizedKeysFile $work/key.pub" 'PidFile none' \
        'StrictModes no' 'UsePAM no' 'PermitRootLogin yes' 'Subsystem sftp internal-sftp' > "$work/sshd_config"
    mkdir -p "$work/bin" /run/sshd 2> /dev/null || true
    # Plakar's plug-in runs ssh, which would write down the host for the user who runs this.
    printf '#!/bin/sh\nexec %s -o UserKnownHostsFile=/dev/null "$@"\n' "$(command -v ssh)" > "$work/bin/ssh"
    chmod +x "$work/bin/ssh"
    serve "$port" /usr/sbin/sshd -D -e -f "$work/sshd_config"
}

# Real Plakar and we on one store that is far away: each creates it, the other goes on. What of it lies in a folder here is judged, too.
shared_far() {
    local kind=$1 creator=$2 folder=$3 store=$4 tree=$work/trees/one first=$work/trees/wide
    local create=(create)
    [ -n "$passphrase" ] || create+=(-plaintext)
    if [ "$creator" = Plakar ]; then
        try "$kind: Plakar creates" plakar_far "$store" "${create[@]}"
        try "$kind: Plakar backs up" plakar_far "$store" backup "$first"
        try "$kind: we back up" exits 0 at "$store" -quiet backup "$tree"
    else
        try "$kind: we create" exits 0 at "$store" "${create[@]}"
        try "$kind: we back up" exits 0 at "$store" -quiet backup "$first"
        try "$kind: Plakar backs up" plakar_far "$store" backup "$tree"
    fi
    try "$kind: we check" exits 0 at "$store" -quiet check
    try "$kind: Plakar checks" plakar_far "$store" check
    try "$kind: we restore" restored_equal "$store" "$(oldest "$store")" "$first.jsonl"
    try "$kind: we remove" exits 0 at "$store" rm -apply "$(oldest "$store")"
    ARMOIRE_GRACEPERIOD=0s try "$kind: our maintenance" exits 0 at "$store" maintenance
    ARMOIRE_GRACEPERIOD=0s try "$kind: our maintenance again" exits 0 at "$store" maintenance
    try "$kind: Plakar checks after it" plakar_far "$store" check
    try "$kind: Plakar backs up once more" plakar_far "$store" backup "$first"
    try "$kind: we check at last" exits 0 at "$store" -quiet check
    try "$kind: there are two snapshots" [ "$(snapshots "$store" | wc -l)" = 2 ]
    if [ -n "$folder" ]; then
        try "$kind: the checker at the end" judge --strict --by-plakar "$folder"
    fi
}

plakar_far() {
    local store=$1
    shift
    PATH=$work/bin:$PATH TMPDIR=$work PLAKAR_PASSPHRASE=${passphrase:-} timeout 120 "$PLAKAR" -quiet at "$store" "$@" < /dev/null
}

far() {
    local port=$((30000 + RANDOM % 10000)) creator n=0 server
    if [ -z "${PLAKAR:-}" ] || [ -z "${PLAKAR_SFTP:-}${PLAKAR_S3:-}" ]; then
        echo "no PLAKAR with PLAKAR_SFTP or PLAKAR_S3: stores that real Plakar and we share far away are left out"
        return
    fi
    if [ -n "${PLAKAR_SFTP:-}" ]; then
        try "sftp: the plug-in is taken" "$PLAKAR" pkg add "$PLAKAR_SFTP"
        serve_sftp "$port"
    fi
    if [ -n "${PLAKAR_S3:-}" ]; then
        try "s3: the plug-in is taken" "$PLAKAR" pkg add "$PLAKAR_S3"
    fi
    for passphrase in '' "$own_passphrase"; do
        for creator in Plakar we; do
            n=$((n + 1))
            # We read Plakar's settings while there are none of ours.
            if [ -n "${PLAKAR_SFTP:-}" ]; then
                try "sftp: Plakar takes the settings" "$PLAKAR" store add "sftp$n" \
                    "location=sftp://127.0.0.1:$port$work/stores/sftp$n" "username=$(id -un)" "identity=$work/key" \
                    insecure_ignore_host_key=true
                shared_far sftp "$creator" "$work/stores/sftp$n" "@sftp$n"
            fi
            if [ -n "${PLAKAR_S3:-}" ]; then
                try "s3: Plakar takes the settings" "$PLAKAR" store add "s3$n" "location=$S3_LOCATION/interop-$$-$n" \
                    "access_key=$AWS_ACCESS_KEY_ID" "secret_access_key=$AWS_SECRET_ACCESS_KEY" use_tls=false
                shared_far s3 "$creator" '' "@s3$n"
            fi
        done
    done
    if [ -n "${PLAKAR_SFTP:-}" ]; then
        stop_serving
    fi
}

make_trees
for part in own all_fixtures killed damaged mistakes peers far; do
    if [[ ${part#all_} == ${ONLY:-*} ]]; then
        "$part" "$@"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
