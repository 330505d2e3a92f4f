// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;

/** A path that could not be read when its snapshot was made, and why (format 2a §10). */
public record ErrorItem(byte[] path, String message) {
    private static final byte[] VERSION = Entry.key("version");
    private static final byte[] NAME = Entry.key("name");
    private static final byte[] ERROR = Entry.key("error");

    public void encode(MsgpackWriter out) {
        out.mapHeader(3);
        out.str(VERSION);
        out.u32(0x00010000);
        out.str(NAME);
        out.str(path);
        out.str(ERROR);
        out.str(message);
    }

    public static ErrorItem decode(MsgpackReader in) {
        byte[] path = {};
        String message = "";
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.string()) {
                case "name" -> path = in.bytes();
                case "error" -> message = in.string();
                default -> in.skip();
            }
        }
        return new ErrorItem(path, message);
    }
}
