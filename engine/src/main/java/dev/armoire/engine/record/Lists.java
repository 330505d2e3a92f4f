// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.packfile.MsgpackReader;
import java.util.ArrayList;
import java.util.List;

/** Arrays of records. A Go nil reads as an empty list. */
final class Lists {
    private Lists() {}

    /** Reads one element. */
    @FunctionalInterface
    interface Element<T> {
        T read(MsgpackReader in);
    }

    static <T> List<T> read(MsgpackReader in, Element<T> element) {
        int count = in.arrayHeader();
        List<T> list = new ArrayList<>(Math.min(count, 64)); // the count is the input's word only
        for (int i = 0; i < count; i++) {
            list.add(element.read(in));
        }
        return list;
    }
}
