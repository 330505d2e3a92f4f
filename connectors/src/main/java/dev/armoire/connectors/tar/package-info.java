// SPDX-License-Identifier: ISC
/**
 * Tar files as sources and as targets, plain or compressed. As a source one is read twice, first for what is in it, then for
 * contents; as a target it is written once, and has its name when it is whole. Headers are those of Commons Compress; what
 * is bytes rather than text in them (names, attributes, times to the nanosecond) is read and written here.
 */
@NullMarked
package dev.armoire.connectors.tar;

import org.jspecify.annotations.NullMarked;
