// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.torture.SystemCalls.Call;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a disk may hold when the power goes, with no more trust in a file system than POSIX gives reason for: what a file holds is
 * durable by an {@code fsync} of it, and that a folder has an entry, or has it no longer, by one of that folder.
 *
 * <ul>
 *   <li>Any write since then may be there, or not, or up to some sector of 512 bytes, whatever has come of the others; where
 *       it is not, a file that has grown holds zeros, or it has not grown.
 *   <li>Names are independent of what files hold. In one folder they change in order, so some number of the first changes is there;
 *       of a rename from one folder to another each of the two knows by itself.
 *   <li>What is written through memory nobody sees: of such a file each page of 4 KiB may be there as it was in the end.
 * </ul>
 */
final class DiskModel {
    /** What becomes of that which is not durable. */
    enum Fate {
        LOST,
        THERE,
        /** All names are there, but nothing that was written: files are empty. */
        EMPTY,
        /** The same with files as long as they were, of zeros. */
        ZEROED,
        /** Something else for each folder, file and write. */
        MIXED
    }

    private static final int SECTOR_BYTES = 512;
    private static final int PAGE_BYTES = 4096;

    /** A file of so many bytes. */
    static final class Content {
        final byte[] bytes;
        private @Nullable String digest;

        Content(byte[] bytes) {
            this.bytes = bytes;
        }

        synchronized String digest() {
            String known = digest;
            if (known == null) {
                known = HexFormat.of().formatHex(sha256().digest(bytes));
                digest = known;
            }
            return known;
        }
    }

    /** What is on the disk, by path from the root of the model on; null for a folder. */
    record Remains(SortedMap<String, @Nullable Content> items) {
        /** Of everything in it. */
        String digest() {
            MessageDigest digest = sha256();
            items.forEach((path, content) -> {
                String line = path + " " + (content == null ? "" : content.digest()) + "\n";
                digest.update(line.getBytes(StandardCharsets.UTF_8));
            });
            return HexFormat.of().formatHex(digest.digest());
        }

        static Remains of(Path root) throws IOException {
            SortedMap<String, @Nullable Content> items = new TreeMap<>();
            for (Path path : below(root)) {
                items.put(
                        root.relativize(path).toString(),
                        Files.isDirectory(path) ? null : new Content(Files.readAllBytes(path)));
            }
            return new Remains(items);
        }

        /** Makes a folder hold this and nothing else. Files that stay are not touched. */
        void bringTo(Path root) throws IOException {
            for (Path path : below(root).reversed()) {
                String name = root.relativize(path).toString();
                Content content = items.get(name);
                boolean stays = items.containsKey(name)
                        && (Files.isDirectory(path)
                                ? content == null
                                : content != null
                                        && Files.size(path) == content.bytes.length
                                        && Arrays.equals(Files.readAllBytes(path), content.bytes));
                if (!stays) {
                    Files.delete(path);
                }
            }
            for (Map.Entry<String, @Nullable Content> item : items.entrySet()) {
                Path path = root.resolve(item.getKey());
                Content content = item.getValue();
                if (!Files.exists(path)) {
                    if (content == null) {
                        Files.createDirectory(path);
                    } else {
                        Files.write(path, content.bytes);
                    }
                }
            }
        }

        /** Folders before what is in them. */
        private static List<Path> below(Path root) throws IOException {
            try (Stream<Path> all = Files.walk(root)) {
                return all.filter(path -> !path.equals(root)).toList();
            }
        }
    }

    private abstract static sealed class Node permits FileNode, FolderNode {}

    /**
     * A change of what a file holds.
     *
     * @param length the new length of a file that was set to one, or else -1
     */
    private record Change(int ended, long at, byte[] data, long length, int unitBytes) {}

    private static final class FileNode extends Node {
        Content durable = new Content(new byte[0]);
        final List<Change> pending = new ArrayList<>();
        private @Nullable Content current;

        void change(Change change) {
            pending.add(change);
            current = null;
        }

        Content current() {
            Content known = current;
            if (known == null) {
                known = with(pending);
                current = known;
            }
            return known;
        }

        void sync(int begun) {
            List<Change> synced =
                    pending.stream().filter(change -> change.ended < begun).toList();
            if (!synced.isEmpty()) {
                durable = with(synced);
                pending.removeAll(synced);
            }
        }

        private Content with(List<Change> changes) {
            if (changes.isEmpty()) {
                return durable;
            }
            byte[] bytes = durable.bytes.clone();
            for (Change change : changes) {
                bytes = apply(bytes, change, 0, change.data.length);
            }
            return new Content(bytes);
        }

        /** Applies the bytes of a change from one on, up to another. */
        private static byte[] apply(byte[] bytes, Change change, int from, int to) {
            if (change.length >= 0) {
                return Arrays.copyOf(bytes, Math.toIntExact(change.length));
            }
            boolean isMapped = change.unitBytes == PAGE_BYTES;
            int end = isMapped ? (int) Math.min(bytes.length, change.at + to) : Math.toIntExact(change.at + to);
            byte[] larger = end > bytes.length ? Arrays.copyOf(bytes, end) : bytes;
            int at = Math.toIntExact(change.at) + from;
            if (end > at) {
                System.arraycopy(change.data, from, larger, at, end - at);
            }
            return larger;
        }

        Content after(Fate fate, Random random) {
            return switch (fate) {
                case LOST, EMPTY -> durable;
                case THERE -> current();
                case ZEROED ->
                    pending.isEmpty() ? durable : new Content(Arrays.copyOf(durable.bytes, current().bytes.length));
                case MIXED ->
                    switch (pending.isEmpty() ? 0 : random.nextInt(6)) {
                        case 0 -> durable;
                        case 1 -> current();
                        case 2 -> after(Fate.ZEROED, random);
                        default -> torn(random);
                    };
            };
        }

        private Content torn(Random random) {
            byte[] bytes = durable.bytes.clone();
            for (Change change : pending) {
                int units = (change.data.length + change.unitBytes - 1) / change.unitBytes;
                switch (random.nextInt(4)) {
                    case 0 -> {}
                    case 1 -> bytes = apply(bytes, change, 0, change.data.length);
                    case 2 ->
                        bytes = apply(
                                bytes,
                                change,
                                0,
                                Math.min(change.data.length, random.nextInt(units + 1) * change.unitBytes));
                    default -> {
                        for (int unit = 0; unit < units; unit++) {
                            if (random.nextBoolean()) {
                                int from = unit * change.unitBytes;
                                bytes = apply(
                                        bytes, change, from, Math.min(change.data.length, from + change.unitBytes));
                            }
                        }
                    }
                }
            }
            return new Content(random.nextBoolean() ? bytes : Arrays.copyOf(bytes, current().bytes.length));
        }
    }

    /** @param node what the name stands for from then on; null for nothing */
    private record Named(int ended, String name, @Nullable Node node) {}

    private static final class FolderNode extends Node {
        final Map<String, Node> durable = new LinkedHashMap<>();
        final Map<String, Node> current = new LinkedHashMap<>();
        final List<Named> pending = new ArrayList<>();

        void change(Named change) {
            pending.add(change);
            apply(current, change);
        }

        void sync(int begun) {
            while (!pending.isEmpty() && pending.getFirst().ended < begun) {
                apply(durable, pending.removeFirst());
            }
        }

        private static void apply(Map<String, Node> entries, Named change) {
            if (change.node == null) {
                entries.remove(change.name);
            } else {
                entries.put(change.name, change.node);
            }
        }

        Map<String, Node> after(Fate fate, Random random) {
            int changes = switch (fate) {
                case LOST -> 0;
                case THERE, EMPTY, ZEROED -> pending.size();
                case MIXED ->
                    switch (random.nextInt(3)) {
                        case 0 -> 0;
                        case 1 -> pending.size();
                        default -> random.nextInt(pending.size() + 1);
                    };
            };
            if (changes == 0) {
                return durable;
            }
            Map<String, Node> entries = new LinkedHashMap<>(durable);
            pending.subList(0, changes).forEach(change -> apply(entries, change));
            return entries;
        }
    }

    private static final class OpenFile {
        final Node node;
        final boolean appends;
        long position;

        OpenFile(Node node, boolean appends) {
            this.node = node;
            this.appends = appends;
        }
    }

    private final String root;
    private final FolderNode top = new FolderNode();
    /** Those below the root, which one process alone opens. */
    private final Map<Integer, OpenFile> open = new HashMap<>();

    /** What files hold in the end, which is all that is known of what is written through memory. */
    private Remains inTheEnd;

    /** When what is now was: calls of a further process come after those of the one before. */
    private int offset;

    private int latest;

    /** @param root everything in it is durable now */
    DiskModel(Path root) throws IOException {
        this.root = root + "/";
        this.inTheEnd = Remains.of(root);
        inTheEnd.items().forEach((path, content) -> {
            Node node = content == null ? new FolderNode() : new FileNode();
            if (node instanceof FileNode file && content != null) {
                file.durable = content;
            }
            FolderNode folder = folderOf(path);
            folder.durable.put(name(path), node);
            folder.current.put(name(path), node);
        });
    }

    /**
     * Another process goes to work.
     *
     * @param end what the folder holds when it has ended
     */
    void begin(Remains end) {
        inTheEnd = end;
        open.clear();
        offset = latest;
    }

    /** What would be there if the power went now. */
    Remains after(Fate fate, Random random) {
        SortedMap<String, @Nullable Content> items = new TreeMap<>();
        collect(top, "", fate, random, items);
        return new Remains(items);
    }

    private static void collect(
            FolderNode folder, String path, Fate fate, Random random, SortedMap<String, @Nullable Content> items) {
        folder.after(fate, random).forEach((name, node) -> {
            switch (node) {
                case FileNode file -> items.put(path + name, file.after(fate, random));
                case FolderNode below -> {
                    items.put(path + name, null);
                    collect(below, path + name + "/", fate, random, items);
                }
            }
        });
    }

    /** Whether what a call did makes a difference when the power goes. */
    boolean matters(Call call) {
        return switch (call.name()) {
            case "openat" -> isInside(call.path(0, 1)) && (call.has(2, "O_CREAT") || call.has(2, "O_TRUNC"));
            case "write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "fsync", "fdatasync" ->
                isInside(call.pathOf(0) + "/");
            case "mmap" -> isWrittenInMemory(call) && isInside(call.pathOf(4));
            case "mkdir", "unlink", "rmdir" -> isInside(call.path(-1, 0));
            case "mkdirat", "unlinkat" -> isInside(call.path(0, 1));
            case "link", "rename", "linkat", "renameat", "renameat2" -> isInside(call.to());
            default -> false;
        };
    }

    private static boolean isWrittenInMemory(Call call) {
        return call.has(2, "PROT_WRITE") && call.has(3, "MAP_SHARED");
    }

    /** Does what a call did. */
    void apply(Call call) {
        latest = offset + call.ended();
        switch (call.name()) {
            case "openat" -> openFile(call, call.path(0, 1));
            case "close" -> open.remove(call.descriptor(0));
            case "dup", "dup2", "dup3" -> {
                OpenFile file = at(call, 0);
                if (file == null) {
                    open.remove((int) call.result());
                } else {
                    open.put((int) call.result(), file);
                }
            }
            case "read" -> {
                OpenFile file = at(call, 0);
                if (file != null) {
                    file.position += call.result();
                }
            }
            case "lseek" -> {
                OpenFile file = at(call, 0);
                if (file != null) {
                    file.position = call.result();
                }
            }
            case "write", "writev" -> {
                OpenFile file = at(call, 0);
                if (file != null) {
                    long position = file.appends ? length(file) : file.position;
                    write(call, file, position);
                    file.position = position + call.result();
                }
            }
            case "pwrite64", "pwritev", "pwritev2" -> {
                OpenFile file = at(call, 0);
                if (file != null) {
                    write(call, file, call.number(3));
                }
            }
            case "ftruncate" -> {
                OpenFile file = at(call, 0);
                if (file != null) {
                    setLength(file.node, call.number(1));
                }
            }
            case "mmap" -> {
                OpenFile file = isWrittenInMemory(call) ? at(call, 4) : null;
                if (file != null) {
                    writeInMemory(call, file);
                }
            }
            case "fsync", "fdatasync" -> {
                OpenFile file = at(call, 0);
                if (file != null) {
                    switch (file.node) {
                        case FileNode node -> node.sync(offset + call.begun());
                        case FolderNode node -> node.sync(offset + call.begun());
                    }
                }
            }
            case "mkdir" -> name(call.path(-1, 0), new FolderNode());
            case "mkdirat" -> name(call.path(0, 1), new FolderNode());
            case "unlink", "rmdir" -> name(call.path(-1, 0), null);
            case "unlinkat" -> name(call.path(0, 1), null);
            case "link" -> link(call.path(-1, 0), call.to());
            case "linkat" -> link(call.path(0, 1), call.to());
            case "rename" -> rename(call.path(-1, 0), call.to());
            case "renameat", "renameat2" -> rename(call.path(0, 1), call.to());
            default -> {
                if (call.toString().contains(hex(root.substring(0, root.length() - 1)))) {
                    throw new IllegalStateException("not in the model: " + call);
                }
            }
        }
    }

    private static String hex(String text) {
        StringBuilder all = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            all.append("\\x").append(HexFormat.of().toHexDigits(b));
        }
        return all.toString();
    }

    private boolean isInside(String path) {
        return path.startsWith(root);
    }

    private @Nullable OpenFile at(Call call, int argument) {
        String path = call.pathOf(argument);
        if (!isInside(path + "/")) {
            return null;
        }
        OpenFile file = open.get(call.descriptor(argument));
        if (file == null) {
            throw new IllegalStateException("nobody has opened what is used here: " + call);
        }
        return file;
    }

    private void openFile(Call call, String path) {
        if (!isInside(path + "/")) {
            open.remove((int) call.result());
            return;
        }
        Node node = path.length() < root.length()
                ? top
                : folderOf(inside(path)).current.get(name(path));
        if (node == null) {
            if (!call.has(2, "O_CREAT")) {
                throw new IllegalStateException("opened what is not there: " + call);
            }
            node = new FileNode();
            name(path, node);
        } else if (call.has(2, "O_TRUNC") && node instanceof FileNode file && file.current().bytes.length > 0) {
            setLength(file, 0);
        }
        open.put((int) call.result(), new OpenFile(node, call.has(2, "O_APPEND")));
    }

    private static long length(OpenFile file) {
        return file.node instanceof FileNode node ? node.current().bytes.length : 0;
    }

    private void write(Call call, OpenFile file, long position) {
        if (file.node instanceof FileNode node) {
            byte[] data = Arrays.copyOf(call.data(1), Math.toIntExact(call.result()));
            node.change(new Change(latest, position, data, -1, SECTOR_BYTES));
        }
    }

    private void setLength(Node node, long length) {
        if (node instanceof FileNode file) {
            file.change(new Change(latest, 0, new byte[0], length, SECTOR_BYTES));
        }
    }

    private void writeInMemory(Call call, OpenFile file) {
        Content last = inTheEnd.items().get(inside(call.pathOf(4)));
        if (file.node instanceof FileNode node && last != null) { // or else it is gone before the process ends
            node.change(new Change(latest, 0, last.bytes, -1, PAGE_BYTES));
        }
    }

    private void link(String from, String to) {
        if (isInside(to)) {
            name(to, node(from));
        }
    }

    private void rename(String from, String to) {
        if (isInside(from) || isInside(to)) {
            Node node = node(from);
            name(to, node);
            name(from, null);
        }
    }

    private Node node(String path) {
        Node node = isInside(path) ? folderOf(inside(path)).current.get(name(path)) : null;
        if (node == null) {
            throw new IllegalStateException("not there: " + path);
        }
        return node;
    }

    private void name(String path, @Nullable Node node) {
        if (isInside(path)) {
            folderOf(inside(path)).change(new Named(latest, name(path), node));
        }
    }

    private String inside(String path) {
        return path.substring(root.length());
    }

    private FolderNode folderOf(String inside) {
        FolderNode folder = top;
        String[] names = inside.split("/", -1);
        for (int i = 0; i < names.length - 1; i++) {
            if (!(folder.current.get(names[i]) instanceof FolderNode next)) {
                throw new IllegalStateException("no folder: " + inside);
            }
            folder = next;
        }
        return folder;
    }

    private static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }
}
