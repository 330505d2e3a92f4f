// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a run finds around it.
 *
 * @param home home directory of the account
 * @param showsLines whether a person looks at standard output
 * @param prompt asks the person at the terminal
 */
record Surroundings(
        Map<String, String> environment,
        Path home,
        OutputStream out,
        OutputStream err,
        boolean showsLines,
        Prompt prompt) {
    /** Asks for secrets. */
    @FunctionalInterface
    interface Prompt {
        /** What was typed, unseen, for the caller to wipe; null when there is no terminal or it was closed. */
        char @Nullable [] ask(String text);
    }

    /** A variable by its name after {@code ARMOIRE_} or {@code PLAKAR_}, ours first; an empty one is not set. */
    @Nullable
    String variable(String name) {
        String ours = plain("ARMOIRE_" + name);
        return ours != null ? ours : plain("PLAKAR_" + name);
    }

    /** A variable by its full name; an empty one is not set. */
    @Nullable
    String plain(String name) {
        String value = environment.get(name);
        return value == null || value.isEmpty() ? null : value;
    }
}
