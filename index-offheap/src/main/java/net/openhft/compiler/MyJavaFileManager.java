// SPDX-License-Identifier: ISC
package net.openhft.compiler;

/** A name in signatures of Chronicle Values; never made. */
public class MyJavaFileManager {
    private MyJavaFileManager() {}
}
