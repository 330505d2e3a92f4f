// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

/** What becomes of something that is in the target under the name of an item of the snapshot. Folders are always shared. */
public enum Overwrite {
    /** It is replaced. */
    ALWAYS,
    /** It is replaced when it differs in kind, size, time of last change, permissions, owner, link target or device. */
    CHANGED,
    /** It is replaced when the item was changed later. */
    NEWER,
    /** It stays, and so does the metadata of folders. */
    NEVER
}
