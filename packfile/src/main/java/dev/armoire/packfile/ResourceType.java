// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

/** What a stored thing is: the numbers of format 1 §1.1. They are not an enum because unknown ones must pass through. */
public final class ResourceType {
    public static final int CONFIG = 1;
    public static final int LOCK = 2;
    public static final int STATE = 3;
    public static final int PACKFILE = 4;
    public static final int SNAPSHOT = 5;
    public static final int SIGNATURE = 6;
    public static final int OBJECT = 7;
    // 8 was never used and must not be.
    public static final int CHUNK = 9;
    public static final int VFS_BTREE = 10;
    public static final int VFS_NODE = 11;
    public static final int VFS_ENTRY = 12;
    public static final int ERROR_BTREE = 13;
    public static final int ERROR_NODE = 14;
    public static final int ERROR_ENTRY = 15;
    public static final int XATTR_BTREE = 16;
    public static final int XATTR_NODE = 17;
    public static final int XATTR_ENTRY = 18;
    public static final int BTREE_ROOT = 19;
    public static final int BTREE_NODE = 20;
    public static final int VFS_SUMMARY = 21;

    /** Padding in packfiles: raw random bytes that are never decoded. */
    public static final int RANDOM = 255;

    private ResourceType() {}

    /** The name Kloset uses, or {@code type N} for a number without one. */
    public static String name(int type) {
        return switch (type) {
            case CONFIG -> "config";
            case LOCK -> "lock";
            case STATE -> "state";
            case PACKFILE -> "packfile";
            case SNAPSHOT -> "snapshot";
            case SIGNATURE -> "signature";
            case OBJECT -> "object";
            case CHUNK -> "chunk";
            case VFS_BTREE -> "vfs-btree";
            case VFS_NODE -> "vfs-node";
            case VFS_ENTRY -> "vfs-entry";
            case ERROR_BTREE -> "error-btree";
            case ERROR_NODE -> "error-node";
            case ERROR_ENTRY -> "error-entry";
            case XATTR_BTREE -> "xattr-btree";
            case XATTR_NODE -> "xattr-node";
            case XATTR_ENTRY -> "xattr-entry";
            case BTREE_ROOT -> "btree-root";
            case BTREE_NODE -> "btree-node";
            case VFS_SUMMARY -> "vfs-summary";
            case RANDOM -> "random";
            default -> "type " + Integer.toUnsignedString(type);
        };
    }

    /** The number of a name that {@link #name} gives, or -1. */
    public static int parse(String name) {
        for (int type = CONFIG; type <= VFS_SUMMARY; type++) {
            if (name(type).equals(name)) {
                return type;
            }
        }
        return name.equals(name(RANDOM)) ? RANDOM : -1;
    }

    /** The version that is written, and the newest that is read: 1.1.0 for states, 1.0.0 for everything else. */
    public static int currentVersion(int type) {
        return type == STATE ? Version.V1_1_0 : Version.V1_0_0;
    }
}
