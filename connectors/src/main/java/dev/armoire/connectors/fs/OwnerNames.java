// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Posix;
import java.util.HashMap;
import java.util.Map;

/** Names of users and groups, each asked for once. For one thread. */
final class OwnerNames {
    private final Posix posix;
    private final Map<Long, String> users = new HashMap<>();
    private final Map<Long, String> groups = new HashMap<>();
    private long lastUser = -1;
    private long lastGroup = -1;
    private String lastUserName = "";
    private String lastGroupName = "";

    OwnerNames(Posix posix) {
        this.posix = posix;
    }

    String user(long uid) {
        if (uid != lastUser) { // neighbours mostly have the same owner
            lastUserName = users.computeIfAbsent(uid, posix::userName);
            lastUser = uid;
        }
        return lastUserName;
    }

    String group(long gid) {
        if (gid != lastGroup) {
            lastGroupName = groups.computeIfAbsent(gid, posix::groupName);
            lastGroup = gid;
        }
        return lastGroupName;
    }
}
