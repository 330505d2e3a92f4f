// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.crypto.Mac;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.util.List;

/**
 * A node of a B+tree (format 2a §2.2). A leaf has values and no pointers, an inner node one pointer more than keys.
 *
 * @param next the leaf to the right, zero when there is none
 */
public record TreeNode(List<byte[]> keys, List<Mac> pointers, List<Mac> values, Mac next) {
    /** Keys at which a node splits; what every root record carries. */
    public static final int ORDER = 50;

    private static final byte[] VERSION = Entry.key("version");
    private static final byte[] KEYS = Entry.key("keys");
    private static final byte[] POINTERS = Entry.key("pointers");
    private static final byte[] VALUES = Entry.key("values");
    private static final byte[] NEXT = Entry.key("next");

    public boolean isLeaf() {
        return pointers.isEmpty();
    }

    public void encode(MsgpackWriter out) {
        out.mapHeader(next.isZero() ? 4 : 5);
        out.str(VERSION);
        out.u32(0);
        out.str(KEYS);
        if (keys.isEmpty()) {
            out.nil();
        } else {
            out.arrayHeader(keys.size());
            for (byte[] key : keys) {
                out.str(key);
            }
        }
        out.str(POINTERS);
        encode(pointers, out);
        out.str(VALUES);
        encode(values, out);
        if (!next.isZero()) {
            out.str(NEXT);
            out.mac(next);
        }
    }

    private static void encode(List<Mac> macs, MsgpackWriter out) {
        if (macs.isEmpty()) {
            out.nil();
            return;
        }
        out.arrayHeader(macs.size());
        for (Mac mac : macs) {
            out.mac(mac);
        }
    }

    public static TreeNode decode(MsgpackReader in) {
        return decode(in, true);
    }

    /** Without its keys: for who wants to know only what it refers to. */
    public static TreeNode decodeReferences(MsgpackReader in) {
        return decode(in, false);
    }

    private static TreeNode decode(MsgpackReader in, boolean wantsKeys) {
        List<byte[]> keys = List.of();
        List<Mac> pointers = List.of();
        List<Mac> values = List.of();
        Mac next = Mac.ZERO;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.string()) {
                case "keys" -> {
                    if (wantsKeys) {
                        keys = Lists.read(in, MsgpackReader::bytes);
                    } else {
                        in.skip();
                    }
                }
                case "pointers" -> pointers = Lists.read(in, MsgpackReader::mac);
                case "values" -> values = Lists.read(in, MsgpackReader::mac);
                case "next" -> next = in.mac();
                default -> in.skip();
            }
        }
        return new TreeNode(keys, pointers, values, next);
    }

    /** The record that a tree is named by: its order and its top node (format 2a §2.1). */
    public record Root(int order, Mac node) {
        private static final byte[] ROOT_VERSION = Entry.key("Version");
        private static final byte[] ROOT_ORDER = Entry.key("Order");
        private static final byte[] ROOT_COUNT = Entry.key("Count");
        private static final byte[] ROOT_NODE = Entry.key("Root");

        public void encode(MsgpackWriter out) {
            out.mapHeader(4);
            out.str(ROOT_VERSION);
            out.u32(0);
            out.str(ROOT_ORDER);
            out.compactInt(order);
            out.str(ROOT_COUNT);
            out.compactInt(0);
            out.str(ROOT_NODE);
            out.mac(node);
        }

        public static Root decode(MsgpackReader in) {
            int order = 0;
            Mac node = Mac.ZERO;
            for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
                switch (in.string()) {
                    case "Order" -> order = (int) in.integer();
                    case "Root" -> node = in.mac();
                    default -> in.skip();
                }
            }
            return new Root(order, node);
        }
    }
}
