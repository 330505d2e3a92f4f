// SPDX-License-Identifier: ISC
/**
 * What is served to browsers, apart from what the pages of the user interface say. {@link dev.armoire.cli.web.WebServer} listens and lets
 * in, {@link dev.armoire.cli.web.WebExchange} reads requests and writes answers, files of snapshots among them. Contents of snapshots are
 * strangers' texts here, and never run as scripts.
 */
@NullMarked
package dev.armoire.cli.web;

import org.jspecify.annotations.NullMarked;
