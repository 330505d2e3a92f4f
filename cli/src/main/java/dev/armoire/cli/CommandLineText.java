// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.List;
import java.util.Set;

/** How the program was called, as snapshots keep it: without what may be secret. */
final class CommandLineText {
    private static final String HIDDEN = "***";
    private static final Set<String> SECRET_FLAGS = Set.of("o", "keyfile");

    private CommandLineText() {}

    static String of(List<String> words) {
        StringBuilder text = new StringBuilder("armoire");
        boolean isSecret = false;
        for (String word : words) {
            text.append(' ').append(isSecret ? hide(word) : shown(word));
            isSecret = !isSecret && SECRET_FLAGS.contains(flag(word));
        }
        return text.toString();
    }

    private static String flag(String word) {
        return word.startsWith("--") ? word.substring(2) : word.startsWith("-") ? word.substring(1) : "";
    }

    private static String shown(String word) {
        int equals = word.indexOf('=');
        if (equals > 0 && SECRET_FLAGS.contains(flag(word.substring(0, equals)))) {
            return word.substring(0, equals + 1) + hide(word.substring(equals + 1));
        }
        // scheme://user:password@host
        return word.replaceFirst("^([a-z0-9+.-]+://[^/@:]*):[^/@]*@", "$1:" + HIDDEN + "@")
                .replaceFirst("^(https?:[^?]*[?]).*", "$1" + HIDDEN); // what follows may be a signature
    }

    /** Of a setting the name may be seen. */
    private static String hide(String value) {
        int equals = value.indexOf('=');
        return equals > 0 ? value.substring(0, equals + 1) + HIDDEN : HIDDEN;
    }
}
