// SPDX-License-Identifier: ISC
package net.openhft.compiler;

/** Where Chronicle Values looks for a compiler. */
public final class CompilerUtils {
    public static final CachedCompiler CACHED_COMPILER = new CachedCompiler();

    private CompilerUtils() {}
}
