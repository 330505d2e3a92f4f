// SPDX-License-Identifier: ISC
/**
 * Names the content type of a file from the first bytes of its first chunk, by the same rules and in the same order as
 * the library real Plakar uses, so that object records stay equal. The rules are tables of small tests, looked up by the
 * first byte. The backup pipeline uses {@link dev.armoire.engine.content.ContentTypes}; the rest is private to the package.
 */
@NullMarked
package dev.armoire.engine.content;

import org.jspecify.annotations.NullMarked;
