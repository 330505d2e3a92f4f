// SPDX-License-Identifier: ISC
package dev.armoire;

/** Something that went wrong with one item while the rest went on. */
public final class Problem {
    private final String item;
    private final String reason;

    Problem(String item, String reason) {
        this.item = item;
        this.reason = reason;
    }

    /** What it is about: a path, or for damage of the store the name of a stored object. */
    public String item() {
        return item;
    }

    /** Why. */
    public String reason() {
        return reason;
    }

    @Override
    public String toString() {
        return item + ": " + reason;
    }
}
