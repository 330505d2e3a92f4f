// SPDX-License-Identifier: ISC
/**
 * One file of a web server as a source. It is saved whole or not at all: a body that ends too early is an error. Credentials
 * go to the server that was named and to no other, and stand in no message.
 */
@NullMarked
package dev.armoire.connectors.http;

import org.jspecify.annotations.NullMarked;
