// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.crypto.Mac;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;

/**
 * An extended attribute of a path; its value is an object (format 2a §9).
 *
 * @param size bytes of the value
 * @param type 0 extended attribute, 1 alternate data stream, 2 custom
 */
public record XattrItem(byte[] path, byte[] name, long size, int type, Mac object) {
    private static final byte[] VERSION = Entry.key("version");
    private static final byte[] PATH = Entry.key("path");
    private static final byte[] NAME = Entry.key("name");
    private static final byte[] SIZE = Entry.key("size");
    private static final byte[] TYPE = Entry.key("type");
    private static final byte[] OBJECT = Entry.key("object");

    /** The key in the tree of attributes: path, name and separator, with nothing between path and name. */
    public byte[] key() {
        byte[] key = new byte[path.length + name.length + 1];
        System.arraycopy(path, 0, key, 0, path.length);
        System.arraycopy(name, 0, key, path.length, name.length);
        key[key.length - 1] = (byte)
                switch (type) {
                    case 0 -> ':';
                    case 1 -> '@';
                    case 2 -> '%';
                    default -> '#';
                };
        return key;
    }

    public void encode(MsgpackWriter out) {
        out.mapHeader(6);
        out.str(VERSION);
        out.u32(0x00010000);
        out.str(PATH);
        out.str(path);
        out.str(NAME);
        out.str(name);
        out.str(SIZE);
        out.i64(size);
        out.str(TYPE);
        out.u8(type);
        out.str(OBJECT);
        out.mac(object);
    }

    public static XattrItem decode(MsgpackReader in) {
        byte[] path = {};
        byte[] name = {};
        long size = 0;
        int type = 0;
        Mac object = Mac.ZERO;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.string()) {
                case "path" -> path = in.bytes();
                case "name" -> name = in.bytes();
                case "size" -> size = in.integer();
                case "type" -> type = (int) in.integer();
                case "object" -> object = in.mac();
                default -> in.skip();
            }
        }
        return new XattrItem(path, name, size, type, object);
    }
}
