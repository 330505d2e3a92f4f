// SPDX-License-Identifier: ISC
/**
 * Stores and files on servers that speak SFTP, in Plakar's layout and with the settings of its plug-in. Apache MINA SSHD is
 * seen here only, and its classes are loaded when such a place is used.
 */
@NullMarked
package dev.armoire.connectors.sftp;

import org.jspecify.annotations.NullMarked;
