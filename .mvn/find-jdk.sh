# SPDX-License-Identifier: ISC
# Sourced by mvnw and armoire: finds a JDK of the release that Armoire needs, or a later one.
#
# find_jdk sets and exports JAVA_HOME, or returns 1. JAVA_HOME of the caller wins, then PATH, then the folders where
# systems and version managers put JDKs; among those the lowest release that will do, as it is the best tested one.
# A JDK is judged by its `release` file, because starting each candidate would cost a second; only one without that
# file is asked with `java -version`.

jdk_needed=25

# Sets jdk_release to the feature release of the JDK in $1, or to 0 if there is none.
jdk_release_of() {
    jdk_release=0
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 0
    jdk_text=
    if [ -r "$1/release" ]; then
        while IFS= read -r jdk_line || [ -n "$jdk_line" ]; do
            case $jdk_line in
                JAVA_VERSION=*) jdk_text=${jdk_line#JAVA_VERSION=} ;;
            esac
        done < "$1/release"
    else
        jdk_text=$("$1/bin/java" -version 2>&1 | sed -n 's/.* version \("[^"]*"\).*/\1/p' | head -n 1)
    fi
    jdk_text=${jdk_text#\"}
    jdk_text=${jdk_text%%[!0-9]*}
    case $jdk_text in
        '') ;;
        *) jdk_release=$jdk_text ;;
    esac
}

# Takes $1 as the best candidate so far if its release is lower than that of the best.
jdk_consider() {
    jdk_release_of "$1"
    if [ "$jdk_release" -ge "$jdk_needed" ] && { [ -z "$jdk_best" ] || [ "$jdk_release" -lt "$jdk_best_release" ]; }; then
        jdk_best=$1
        jdk_best_release=$jdk_release
    fi
}

find_jdk() {
    jdk_best=
    if [ -n "${JAVA_HOME:-}" ]; then
        jdk_consider "$JAVA_HOME"
    fi
    if [ -z "$jdk_best" ]; then
        jdk_java=$(command -v java 2>/dev/null) && jdk_java=$(readlink -f "$jdk_java" 2>/dev/null) || jdk_java=
        case $jdk_java in
            */bin/java) jdk_consider "${jdk_java%/bin/java}" ;;
        esac
    fi
    if [ -z "$jdk_best" ]; then
        for jdk_home in \
            /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /usr/local/openjdk* /opt/* /opt/java/* /opt/jdk/* \
            "${SDKMAN_DIR:-${HOME:-}/.sdkman}"/candidates/java/* "${HOME:-}"/.jdks/* "${HOME:-}"/.jdk/* \
            "${ASDF_DATA_DIR:-${HOME:-}/.asdf}"/installs/java/* "${HOME:-}"/.local/share/mise/installs/java/* \
            "${HOME:-}"/.gradle/jdks/* "${JABBA_HOME:-${HOME:-}/.jabba}"/jdk/* \
            /opt/homebrew/opt/openjdk* /usr/local/opt/openjdk* /home/linuxbrew/.linuxbrew/opt/openjdk* \
            /Library/Java/JavaVirtualMachines/* "${HOME:-}"/Library/Java/JavaVirtualMachines/*; do
            [ -d "$jdk_home" ] || continue
            if [ -d "$jdk_home/Contents/Home" ]; then
                jdk_home=$jdk_home/Contents/Home
            elif [ -d "$jdk_home/libexec/openjdk.jdk/Contents/Home" ]; then
                jdk_home=$jdk_home/libexec/openjdk.jdk/Contents/Home
            fi
            jdk_consider "$jdk_home"
        done
    fi
    [ -n "$jdk_best" ] || return 1
    JAVA_HOME=$jdk_best
    export JAVA_HOME
}

# Says on standard error, in the name of program $1, how to get a JDK.
explain_missing_jdk() {
    {
        echo "$1: no JDK $jdk_needed or newer was found (in JAVA_HOME, PATH or the usual folders)."
        echo "Get one, for instance:"
        echo "    https://adoptium.net/temurin/releases/?version=$jdk_needed    (archive: unpack it below /opt or ~/.jdks)"
        echo "    sdk install java $jdk_needed-tem                                 (sdkman)"
        echo "    brew install openjdk@$jdk_needed                                 (macOS)"
        echo "    apt install openjdk-$jdk_needed-jdk                              (Debian and Ubuntu, where packaged)"
        echo "or set JAVA_HOME to the folder of one that you have."
    } >&2
}
