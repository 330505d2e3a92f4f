// SPDX-License-Identifier: ISC
package dev.armoire.simd.x86;

import java.util.ArrayList;
import java.util.List;

/** A place in the code of one {@link Assembler}, which may be jumped to before it is bound. */
public final class Label {
    static final int UNBOUND = -1;

    int position = UNBOUND;
    final List<Integer> uses = new ArrayList<>();
}
