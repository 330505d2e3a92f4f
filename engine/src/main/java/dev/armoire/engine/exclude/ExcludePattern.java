// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

/**
 * A pattern as it was given.
 *
 * @param text the pattern as written, without its line end
 * @param origin where it was written, for messages: {@code -ignore} or {@code FILE:LINE}
 */
public record ExcludePattern(String text, String origin) {
    /** A pattern that can never match anything, and why. */
    public record Broken(ExcludePattern pattern, String reason) {
        @Override
        public String toString() {
            return pattern + " " + reason;
        }
    }

    @Override
    public String toString() {
        return "pattern \"" + text + "\" (" + origin + ")";
    }
}
