// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is wrong with one item: the first few reasons in full, the rest as a number. */
final class Reasons {
    private static final int NAMED = 8;

    private final List<String> named = new ArrayList<>(1);
    private long more;

    void add(String reason) {
        if (named.size() < NAMED) {
            named.add(reason);
        } else {
            more++;
        }
    }

    /** Adds a reason if there is one. */
    void addIfAny(@Nullable String reason) {
        if (reason != null) {
            add(reason);
        }
    }

    boolean isEmpty() {
        return named.isEmpty();
    }

    /** All in one line, or null when there is nothing. */
    @Nullable
    String text() {
        if (named.isEmpty()) {
            return null;
        }
        return String.join("; ", named) + (more == 0 ? "" : "; and " + more + " more");
    }
}
