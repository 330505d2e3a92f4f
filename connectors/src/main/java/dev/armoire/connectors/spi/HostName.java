// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The name of this machine, as snapshots store it. */
public final class HostName {
    private HostName() {}

    /** As it was when first asked for: a search for the parent compares it with that of every snapshot. */
    public static String get() {
        return Holder.NAME;
    }

    private static final class Holder {
        static final String NAME = ask();
    }

    /** Asks the kernel where it can: InetAddress may ask the network, and wait for it. */
    private static String ask() {
        try {
            String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
            if (!name.isEmpty()) {
                return name;
            }
        } catch (IOException e) {
            // no Linux
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}
