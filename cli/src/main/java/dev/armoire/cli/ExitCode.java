// SPDX-License-Identifier: ISC
package dev.armoire.cli;

/** What the program returns to its caller. */
final class ExitCode {
    static final int OK = 0;
    static final int ERROR = 1;
    /** Done, but some items failed. */
    static final int PARTIAL = 3;

    /** What was compared differs, and the user asked to be told by the exit code. */
    static final int DIFFERENCE = 4;

    static final int USAGE = 64;
    /** The store's data is damaged. */
    static final int DAMAGE = 65;

    static final int NO_STORE = 66;
    static final int CANNOT_CREATE = 73;
    static final int IO = 74;
    static final int LOCKED = 75;
    static final int PASSPHRASE = 77;
    static final int FORMAT = 78;
    static final int INTERRUPTED = 130;
    /** Whoever read our output has gone: what a shell reports of a program that a broken pipe ended. */
    static final int BROKEN_PIPE = 141;

    private ExitCode() {}
}
