// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import java.nio.charset.StandardCharsets;

/** The keys of one kind of record, for {@link MsgpackReader#field} to find without making strings. Immutable. */
public final class FieldNames {
    private final byte[][] names;

    private FieldNames(byte[][] names) {
        this.names = names;
    }

    /** Names in the order whose places {@link MsgpackReader#field} gives. */
    public static FieldNames of(String... names) {
        byte[][] encoded = new byte[names.length][];
        for (int i = 0; i < names.length; i++) {
            encoded[i] = names[i].getBytes(StandardCharsets.UTF_8);
        }
        return new FieldNames(encoded);
    }

    /** Records have some twenty fields of mostly different lengths: looking at each beats a table. */
    int find(byte[] input, int at, int length) {
        for (int i = 0; i < names.length; i++) {
            if (names[i].length == length && matches(names[i], input, at)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean matches(byte[] name, byte[] input, int at) {
        for (int i = 0; i < name.length; i++) {
            if (input[at + i] != name[i]) {
                return false;
            }
        }
        return true;
    }
}
