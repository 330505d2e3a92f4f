// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

/** Names read from a store, made fit for a message. */
final class Names {
    private static final int SHOWN_CHARS = 40;

    private Names() {}

    /** At most 40 characters, control characters and anything beyond ASCII replaced: the name may be hostile. */
    static String printable(String name) {
        String shown = name.length() <= SHOWN_CHARS ? name : name.substring(0, SHOWN_CHARS) + "...";
        return shown.replaceAll("[^\\x20-\\x7e]", "?");
    }
}
