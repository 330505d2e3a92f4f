// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import dev.armoire.crypto.KlosetException;

/** A time that cannot be read as one. The message quotes it and says what is wrong and what would do. */
public final class InvalidTimeException extends KlosetException {
    private static final long serialVersionUID = 1L;

    InvalidTimeException(String input, String problem) {
        super("invalid time \"" + shortened(input) + "\": " + problem
                + "; write 2026-11-23T09:24:20Z, 2026-11-23, yesterday, or how long ago as in 90min, 2h30m, 3d");
    }

    private static String shortened(String input) {
        return input.length() <= 80 ? input : input.substring(0, 80) + "...";
    }
}
