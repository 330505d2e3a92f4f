app=$root/lib
java=$root/runtime/bin/java
#PART options
#PART read_class_path
#PART drop_incubator_warning
# Writes the AOT cache $1 (loaded and linked classes) for the options $2 by watching a store that is thrown away, and with `far` as $3
# what stores far away take, too; with `small` only what commands take that open no store. Nothing depends on it but speed.
train() {
    training=$(mktemp -d "${TMPDIR:-/tmp}/armoire-training.XXXXXX") || return
    (
        export HOME="$training" XDG_CACHE_HOME="$training/cache" XDG_CONFIG_HOME="$training/config"
        export ARMOIRE_PASSPHRASE="training run, no secret 1"
        linking=
        case $2 in *--add-modules*) linking=-XX:-AOTClassLinking ;; esac # the JVM cannot use linked classes beside the incubator module
        # Of a training run the JVM remembers what was compiled, and would compile that at each start, needed or not. C2 gets its profiles thereby, C1 nothing.
        profiles=
        case $2 in *TieredStopAtLevel=1*) profiles="-XX:+UnlockDiagnosticVMOptions -XX:-AOTRecordTraining" ;; esac
        # shellcheck disable=SC2086
        "$java" $2 -Darmoire.cache.eager=true $linking $profiles -XX:AOTCacheOutput="$training/armoire.aot" -cp "$class_path" \
            dev.armoire.cli.AotTraining "$training" "$root/licenses" ${3:-}
    ) && mkdir -p "${1%/*}" && mv "$training/armoire.aot" "$1.$$" && mv -f "$1.$$" "$1" && trained=yes || trained=
    rm -rf "$training"
    [ -n "$trained" ]
}

read_class_path
# An installer makes the caches with ARMOIRE_AOT=make. Where none has, the first start makes the one that it lacks
# beside its own work: here, or in the cache folder of who runs it. ARMOIRE_AOT=no uses none.
if [ "${ARMOIRE_AOT:-}" = make ]; then
    train "$app/armoire.aot" "$jvm_options"
    train "$app/armoire-small.aot" "$small_options" small
    if [ -n "$light_options" ]; then
        train "$app/armoire-light.aot" "$light_options"
    else
        train "$app/armoire-far.aot" "$jvm_options" far
    fi
    exit
fi
choose_options "$@"
aot=$app/$aot_name
if [ "${ARMOIRE_AOT:-}" != no ] && [ ! -f "$aot" ]; then
    [ -w "$app" ] || aot=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/armoire/aot/@ID@-$aot_name
    # By exec, as a shell keeps a copy of what it redirects for a function: then who reads our output would wait for the training.
    [ -f "$aot" ] || (exec < /dev/null > /dev/null 2>&1 && train "$aot" "$train_options" $aot_subject &)
fi
set -- -cp "$class_path" dev.armoire.cli.Main "$@"
if [ "${ARMOIRE_AOT:-}" != no ] && [ -f "$aot" ]; then
    set -- -XX:AOTMode=auto -XX:AOTCache="$aot" "$@"
fi
#PART start
