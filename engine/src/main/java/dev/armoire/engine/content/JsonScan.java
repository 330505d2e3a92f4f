// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import java.util.Arrays;

/**
 * Reads one JSON value as forgivingly as the library real Plakar uses, and notes on the way what tells GeoJSON, HAR and
 * glTF apart from other documents.
 *
 * <p>Three habits of the original decide real answers and are kept: a string, array or object that breaks off ends right
 * behind its opening character, and its surroundings go on from there; a key's path is forgotten only when its object
 * ends or a comma follows, and an array that is not empty never forgets its own; bytes read twice count twice. It never
 * calls itself, so no input can exhaust the stack.
 */
final class JsonScan {
    private static final byte[][] GEO_TYPES = Rule.texts(
            "\"Feature\"",
            "\"FeatureCollection\"",
            "\"Point\"",
            "\"LineString\"",
            "\"Polygon\"",
            "\"MultiPoint\"",
            "\"MultiLineString\"",
            "\"MultiPolygon\"",
            "\"GeometryCollection\"");
    private static final byte[][] GLTF_VERSIONS = Rule.texts("\"1.0\"", "\"2.0\"");
    private static final byte[][] KEYS = Rule.texts("type", "log", "asset", "version", "creator", "entries");
    private static final int TYPE = 0;
    private static final int LOG = 1;
    private static final int ASSET = 2;
    private static final int VERSION = 3;
    private static final int CREATOR = 4;
    private static final int ENTRIES = 5;
    private static final int OTHER = 6;

    private static final byte NO_QUERY = 0;
    private static final byte GEO = 1;
    private static final byte HAR = 2;
    private static final byte GLTF = 3;

    private static final byte ARRAY = 0;
    private static final byte OBJECT = 1;

    private static final byte[] TRUE = Rule.text("true");
    private static final byte[] FALSE = Rule.text("false");
    private static final byte[] NULL = Rule.text("null");

    private final byte[] in;
    private int to;

    // One slot for each array or object that is open: where its inside starts, what it is, and for an object which
    // query its present key answers and where the value began.
    private int[] insideAt = new int[32];
    private byte[] kinds = new byte[32];
    private byte[] queries = new byte[32];
    private int[] valueAt = new int[32];
    private int open;

    // Only the first two elements of the path are ever asked for.
    private int pathLength;
    private int firstKey;
    private int secondKey;

    private int inspected;
    private boolean container;
    private boolean geo;
    private boolean har;
    private boolean gltf;

    JsonScan(byte[] in) {
        this.in = in;
    }

    /** How many bytes were looked at, those read twice counted twice. */
    int inspected() {
        return inspected;
    }

    /** The value is, or begins as, an array or an object. */
    boolean isContainer() {
        return container;
    }

    boolean isGeo() {
        return geo;
    }

    boolean isHar() {
        return har;
    }

    boolean isGltf() {
        return gltf;
    }

    /** Reads the value at {@code from} and returns where it ends, which is early if it breaks off. */
    int read(int from, int end) {
        to = end;
        open = 0;
        pathLength = 0;
        inspected = 0;
        container = false;
        geo = false;
        har = false;
        gltf = false;

        int at = spaces(from);
        if (at == to) {
            return at;
        }
        container = in[at] == '[' || in[at] == '{';
        at = valueStart(at);
        while (open > 0) {
            at = kinds[open - 1] == ARRAY ? inArray(at) : inObject(at);
        }
        return at;
    }

    /**
     * Enters an array or object, or reads any other value and the space behind it. Returns where to go on; nothing at
     * all was read if that is {@code at} itself.
     */
    private int valueStart(int at) {
        return switch (in[at]) {
            case '[' -> {
                pushKey(OTHER);
                yield enter(ARRAY, at + 1);
            }
            case '{' -> enter(OBJECT, at + 1);
            case '"' -> {
                inspected++;
                int end = string(at + 1);
                yield end < 0 ? at + 1 : spaces(end);
            }
            case 't' -> constant(at, TRUE);
            case 'f' -> constant(at, FALSE);
            case 'n' -> constant(at, NULL);
            default -> {
                int end = number(at);
                yield end < 0 ? at : spaces(end);
            }
        };
    }

    /** One element of the innermost array, from before it: the element itself, or the end of the array. */
    private int inArray(int from) {
        int at = spaces(from);
        if (at == to) {
            return breakOff();
        }
        if (in[at] == ']') {
            inspected++;
            pathLength--;
            return close(at + 1);
        }
        int depth = open;
        int next = valueStart(at);
        if (open > depth) {
            return next; // the element is a container: its end comes back through afterValue
        }
        return next == at ? breakOff() : afterValue(next);
    }

    private int inObject(int from) {
        int at = spaces(from);
        if (at == to) {
            return breakOff();
        }
        if (in[at] == '}') {
            inspected++;
            return close(at + 1);
        }
        if (in[at] != '"') {
            return breakOff();
        }
        inspected++;
        int keyEnd = string(at + 1);
        if (keyEnd < 0) {
            return breakOff();
        }
        pushKey(key(at + 1, keyEnd - 1));
        byte query = query();
        at = spaces(keyEnd);
        if (at == to || in[at] != ':') {
            return breakOff();
        }
        inspected++;
        at = spaces(at + 1);
        if (at == to) {
            return breakOff();
        }
        queries[open - 1] = query;
        valueAt[open - 1] = at;
        int depth = open;
        int next = valueStart(at);
        if (open > depth) {
            return next;
        }
        return next == at ? breakOff() : afterValue(next);
    }

    /** Behind a value of the innermost container: a comma, its end, or the container breaks off. */
    private int afterValue(int at) {
        boolean array = kinds[open - 1] == ARRAY;
        if (!array) {
            answer(at);
        }
        if (at == to) {
            return breakOff();
        }
        byte found = in[at];
        if (found == ',') {
            inspected++;
            if (!array) {
                pathLength--;
            }
            // An array or object that ends behind a comma without a next value broke off.
            return at + 1 == to ? breakOff() : at + 1;
        }
        if (found == (array ? ']' : '}')) {
            inspected++;
            if (!array) {
                pathLength--;
            }
            return close(at + 1);
        }
        return breakOff();
    }

    private int close(int end) {
        open--;
        int at = spaces(end);
        return open == 0 ? at : afterValue(at);
    }

    /** The innermost container ends right behind its opening character, and the one around it goes on there. */
    private int breakOff() {
        open--;
        int at = insideAt[open];
        return open == 0 ? at : afterValue(at);
    }

    private int enter(byte kind, int inside) {
        inspected++;
        if (open == kinds.length) {
            int capacity = 2 * open; // bounded by the input: each level costs one byte of it
            insideAt = Arrays.copyOf(insideAt, capacity);
            kinds = Arrays.copyOf(kinds, capacity);
            queries = Arrays.copyOf(queries, capacity);
            valueAt = Arrays.copyOf(valueAt, capacity);
        }
        insideAt[open] = inside;
        kinds[open] = kind;
        queries[open] = NO_QUERY;
        open++;
        return inside;
    }

    private void pushKey(int key) {
        if (pathLength == 0) {
            firstKey = key;
        } else if (pathLength == 1) {
            secondKey = key;
        }
        pathLength++;
    }

    private int key(int from, int end) {
        for (int i = 0; i < KEYS.length; i++) {
            if (Arrays.equals(KEYS[i], 0, KEYS[i].length, in, from, end)) {
                return i;
            }
        }
        return OTHER;
    }

    private byte query() {
        if (pathLength == 1) {
            return firstKey == TYPE ? GEO : NO_QUERY;
        }
        if (pathLength != 2) {
            return NO_QUERY;
        }
        if (firstKey == LOG && (secondKey == VERSION || secondKey == CREATOR || secondKey == ENTRIES)) {
            return HAR;
        }
        return firstKey == ASSET && secondKey == VERSION ? GLTF : NO_QUERY;
    }

    private void answer(int valueEnd) {
        switch (queries[open - 1]) {
            case GEO -> geo |= valueIsOneOf(GEO_TYPES, valueEnd);
            case HAR -> har = true;
            case GLTF -> gltf |= valueIsOneOf(GLTF_VERSIONS, valueEnd);
            default -> {
                // no query asks for this key
            }
        }
    }

    private boolean valueIsOneOf(byte[][] wanted, int valueEnd) {
        int from = valueAt[open - 1];
        int end = valueEnd;
        while (end > from && isSpace(in[end - 1])) {
            end--;
        }
        for (byte[] one : wanted) {
            if (Arrays.equals(one, 0, one.length, in, from, end)) {
                return true;
            }
        }
        return false;
    }

    private int spaces(int from) {
        int at = from;
        while (at < to && isSpace(in[at])) {
            at++;
        }
        inspected += at - from;
        return at;
    }

    /** Where the string whose inside starts at {@code from} ends, or -1. */
    private int string(int from) {
        int at = from;
        while (at < to) {
            byte c = in[at++];
            inspected++;
            if (c == '"') {
                return at;
            }
            if (c != '\\') {
                continue;
            }
            if (at == to) {
                return -1;
            }
            switch (in[at]) {
                case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> {
                    at++;
                    inspected++;
                }
                case 'u' -> {
                    at++;
                    inspected++;
                    for (int digits = 0; digits < 4 && at < to; digits++) {
                        if (Character.digit(in[at], 16) < 0) {
                            return -1;
                        }
                        at++;
                        inspected++;
                    }
                }
                default -> {
                    return -1;
                }
            }
        }
        return -1;
    }

    private int constant(int from, byte[] word) {
        for (int i = 0; i < word.length; i++) {
            if (from + i >= to || in[from + i] != word[i]) {
                return from;
            }
            inspected++;
        }
        return spaces(from + word.length);
    }

    /** Where the number at {@code from} ends, or -1. A lone dot or sign is none; leading zeros are fine. */
    private int number(int from) {
        int at = from;
        if (in[at] == '-') {
            at++;
        }
        int digitsFrom = at;
        at = digits(at);
        boolean digits = at > digitsFrom;
        if (at < to && in[at] == '.') {
            at++;
            int fraction = at;
            at = digits(at);
            digits |= at > fraction;
        }
        if (digits && at < to && (in[at] == 'e' || in[at] == 'E')) {
            at++;
            if (at < to && (in[at] == '+' || in[at] == '-')) {
                at++;
            }
            int exponent = at;
            at = digits(at);
            digits = at > exponent;
        }
        inspected += at - from;
        return digits ? at : -1;
    }

    private int digits(int from) {
        int at = from;
        while (at < to && in[at] >= '0' && in[at] <= '9') {
            at++;
        }
        return at;
    }

    private static boolean isSpace(byte b) {
        return b == ' ' || b == '\t' || b == '\r' || b == '\n';
    }
}
