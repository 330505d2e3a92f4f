// SPDX-License-Identifier: ISC
/**
 * LZ4 blocks and zstd frames on native memory, through java.lang.foreign on the C libraries inside lz4-java and zstd-jni, each
 * with the artifact's own Java interface as its twin where those do not load. The only package of this module that calls
 * restricted methods; the codecs of {@code packfile} are its users, and know frames and limits. Sizes always come from the
 * segments, so no call can leave their bounds.
 */
@NullMarked
package dev.armoire.packfile.ffi;

import org.jspecify.annotations.NullMarked;
