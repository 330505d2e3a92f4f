// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a process asked of the system to change or sync files, as {@code strace} tells it, with all data. */
final class SystemCalls {
    /**
     * Those that change files or make them durable, and those that say what a descriptor stands for. A question mark before a name
     * means that not every processor has it. What {@link DiskModel} has no idea of is among them, too, so that it says so.
     */
    private static final String TRACED =
            "?open,openat,?openat2,?creat,close,?dup,?dup2,?dup3,read,lseek,write,pwrite64,writev,pwritev,"
                    + "pwritev2,copy_file_range,sendfile,splice,truncate,ftruncate,fallocate,mmap,fsync,fdatasync,sync_file_range,"
                    + "?syncfs,?sync,msync,?rename,renameat,?renameat2,?link,linkat,?symlink,symlinkat,?unlink,unlinkat,?mkdir,mkdirat,"
                    + "?rmdir,?mknod,mknodat";

    private static final String UNFINISHED = " <unfinished ...>";
    private static final int LONGEST_DATA = 200_000_000;

    private SystemCalls() {}

    /**
     * One call that went well.
     *
     * @param arguments as they stand there: strings in hexadecimal, descriptors with the path behind them
     * @param begun its place among all beginnings and ends, likewise {@code ended}
     */
    record Call(String name, List<String> arguments, long result, int begun, int ended) {
        /** The descriptor that is the argument. */
        int descriptor(int argument) {
            String text = arguments.get(argument);
            int end = text.indexOf('<');
            return text.startsWith("AT_FDCWD") ? -1 : Integer.parseInt(end < 0 ? text : text.substring(0, end));
        }

        /** The path of what the descriptor stands for; empty if that is not told. */
        String pathOf(int argument) {
            String text = arguments.get(argument);
            int from = text.indexOf('<');
            return from < 0 ? "" : text(decode(text, from + 1, text.indexOf('>', from)));
        }

        /** The path that an argument is, from the root of all on; one beside it may say where it begins. */
        String path(int folder, int argument) {
            String name = text(data(argument));
            return name.startsWith("/") || folder < 0 ? name : pathOf(folder) + "/" + name;
        }

        /** Where a name is given. */
        String to() {
            return arguments.size() == 2 ? path(-1, 1) : path(2, 3);
        }

        /** All strings in an argument, one behind the other. */
        byte[] data(int argument) {
            String text = arguments.get(argument);
            int length = 0;
            List<byte[]> parts = new ArrayList<>();
            for (int from = text.indexOf('"'); from >= 0; ) {
                int to = text.indexOf('"', from + 1);
                byte[] part = decode(text, from + 1, to);
                parts.add(part);
                length += part.length;
                from = text.indexOf('"', to + 1);
            }
            byte[] all = new byte[length];
            int at = 0;
            for (byte[] part : parts) {
                System.arraycopy(part, 0, all, at, part.length);
                at += part.length;
            }
            return all;
        }

        long number(int argument) {
            return Long.decode(arguments.get(argument));
        }

        boolean has(int argument, String flag) {
            return arguments.size() > argument
                    && List.of(arguments.get(argument).split("\\|", -1)).contains(flag);
        }

        private static byte[] decode(String text, int from, int to) {
            byte[] bytes = new byte[(to - from) / 4];
            for (int i = 0; i < bytes.length; i++) {
                int at = from + 4 * i; // \xab
                bytes[i] = (byte)
                        (Character.digit(text.charAt(at + 2), 16) << 4 | Character.digit(text.charAt(at + 3), 16));
            }
            return bytes;
        }

        private static String text(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            String shown = String.join(", ", arguments);
            return name + "(" + (shown.length() > 300 ? shown.substring(0, 300) + "..." : shown) + ") = " + result;
        }
    }

    static boolean canBeSeen() {
        return Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "strace")));
    }

    /**
     * Starts a program and waits until it ends.
     *
     * @param program where its output goes must be set
     * @param trace a file for what strace writes
     * @throws IOException when there is no strace, or the program does not end with 0
     */
    static List<Call> of(ProcessBuilder program, Path trace) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of(
                "strace",
                "-f",
                "--seccomp-bpf",
                "-qq",
                "-y",
                "-xx",
                "-s",
                String.valueOf(LONGEST_DATA),
                "-e",
                "signal=none"));
        words.addAll(List.of("-e", "trace=" + TRACED, "-o", trace.toString()));
        words.addAll(program.command());
        String shown = String.join(" ", program.command());
        Process process;
        try {
            process = program.command(words).start();
        } catch (IOException e) {
            throw new IOException("needs strace, of version 5.3 or later, which is not here: install it", e);
        }
        if (!process.waitFor(5, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new IOException(shown + " did not end within five minutes");
        }
        if (process.exitValue() != 0) {
            throw new IOException(shown + " ended with " + process.exitValue());
        }
        List<Call> calls = read(trace);
        Files.delete(trace);
        return calls;
    }

    private static List<Call> read(Path trace) throws IOException {
        List<Call> calls = new ArrayList<>();
        Map<String, String> unfinished = new HashMap<>();
        Map<String, Integer> begun = new HashMap<>();
        try (BufferedReader lines = Files.newBufferedReader(trace, StandardCharsets.ISO_8859_1)) {
            int now = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                now++;
                int space = line.indexOf(' ');
                String thread = line.substring(0, space);
                String text = line.substring(space).strip();
                if (text.endsWith(UNFINISHED)) {
                    unfinished.put(thread, text.substring(0, text.length() - UNFINISHED.length()));
                    begun.put(thread, now);
                    continue;
                }
                int from = now;
                if (text.startsWith("<... ")) {
                    String first = unfinished.remove(thread);
                    if (first == null) {
                        throw new IOException("resumed, but not begun: " + text);
                    }
                    text = first + text.substring(text.indexOf(" resumed>") + " resumed>".length());
                    from = begun.get(thread);
                }
                Call call = parse(text, from, now);
                if (call != null) {
                    calls.add(call);
                }
            }
        }
        calls.sort(Comparator.comparingInt(Call::ended));
        return calls;
    }

    /** Null for what failed, or is no call. */
    private static @Nullable Call parse(String text, int begun, int ended) throws IOException {
        int open = text.indexOf('(');
        int equals = text.lastIndexOf(" = ");
        if (open < 0 || equals < 0) {
            return null;
        }
        String result = text.substring(equals + 3);
        if (result.startsWith("-1 ") || result.startsWith("?")) {
            return null;
        }
        int end = result.indexOf('<') < 0 ? result.length() : result.indexOf('<');
        String number = result.substring(0, end).strip();
        int close = text.lastIndexOf(')', equals);
        if (text.indexOf("\"...", open) >= 0) {
            throw new IOException("strace cuts data off: " + text.substring(0, Math.min(200, text.length())));
        }
        String name = text.substring(0, open);
        return new Call(
                name,
                split(text, open + 1, close),
                number.startsWith("0x") ? 0 : Long.parseLong(number.split(" ", 2)[0]),
                begun,
                name.equals("close")
                        ? begun
                        : ended); // another thread may be given the descriptor before it has returned
    }

    /** At commas that are in no brackets. */
    private static List<String> split(String text, int from, int to) {
        List<String> arguments = new ArrayList<>();
        int depth = 0;
        int begin = from;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c == '[' || c == '{') {
                depth++;
            } else if (c == ']' || c == '}') {
                depth--;
            } else if (c == ',' && depth == 0) {
                arguments.add(text.substring(begin, i).strip());
                begin = i + 1;
            }
        }
        if (begin < to) {
            arguments.add(text.substring(begin, to).strip());
        }
        return arguments;
    }
}
