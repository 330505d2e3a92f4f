// SPDX-License-Identifier: ISC
/**
 * Stands in for Chronicle's run-time compiler, which asks for {@code jdk.compiler} as soon as a map is opened, even when
 * there is nothing to compile. The one class that a map needs generated is made by the build instead (see the pom of
 * {@code index-offheap}), so here is only what Chronicle Values links against. Nothing of ours uses it.
 */
@NullMarked
package net.openhft.compiler;

import org.jspecify.annotations.NullMarked;
