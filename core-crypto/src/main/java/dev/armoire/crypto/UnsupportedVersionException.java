// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

/**
 * The store is sound as far as one can tell, but written with a version, an algorithm or an option this program does
 * not know. A newer program may read it.
 */
public final class UnsupportedVersionException extends KlosetException {
    private static final long serialVersionUID = 1L;
    private static final int SHOWN_CHARS = 40;

    public UnsupportedVersionException(String message) {
        super(message);
    }

    /**
     * The error for an algorithm that CONFIG names.
     *
     * @param what the thing it is for, such as {@code compression}
     * @param found its name, which may be hostile: it is cut, and what is not printable ASCII replaced
     * @param known the names that would do
     */
    public static UnsupportedVersionException algorithm(String what, String found, String known) {
        String shown = found.length() <= SHOWN_CHARS ? found : found.substring(0, SHOWN_CHARS) + "...";
        return new UnsupportedVersionException("CONFIG asks for the " + what + " '"
                + shown.replaceAll("[^\\x20-\\x7e]", "?") + "', known: " + known
                + "; this store needs a newer program");
    }
}
