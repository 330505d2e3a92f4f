// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A shell as a reader of the docs has one: bash, in which {@code armoire} is a function that has this process do the
 * work, so that a hundred commands need one JVM.
 *
 * <p>Owns the shell and a folder, in which {@code /home}, {@code /backup}, {@code /mnt}, {@code /srv}, {@code /var} and
 * {@code /tmp} of the commands are; of what comes out, the folder's name is taken away again. There is no terminal. Paths
 * must be absolute or begin with {@code ~}, as the work is not done where the shell is. One thread at a time.
 */
final class ConsoleShell implements AutoCloseable {
    /** What the function leaves for this process: words, variables, what is piped in; and then it waits. */
    private static final String FUNCTION = """
        armoire() {
            local request="$CONSOLE/$BASHPID.$RANDOM$RANDOM" name code
            if [ $# -eq 0 ]; then : >"$request.words"; else printf '%s\\0' "$@" >"$request.words"; fi
            for name in $(compgen -e); do printf '%s=%s\\0' "$name" "${!name}"; done >"$request.variables"
            if [ -p /dev/stdin ] || [ -f /dev/stdin ]; then cat >"$request.in"; fi
            mkfifo "$request.done"
            echo "$request" >"$CONSOLE/requests"
            read -r code <"$request.done"
            cat "$request.out"
            cat "$request.err" >&2
            return "$code"
        }
        umask 022
        exec 2>&1
        """;

    private static final Pattern PLACE = Pattern.compile("(?<![\\w/.~])/(?=(?:home|backup|mnt|srv|var|tmp)\\b)");
    /** Stores are synced to the disk after each step, which some of these commands would mostly wait for. */
    private static final Path MEMORY = Path.of("/dev/shm");

    private static final long MEMORY_BYTES = 256 << 20;

    private static final String MARK = "\n\001";

    private final Path root;
    private final Path requests;
    private final RandomAccessFile inbox;
    private final Process bash;
    private final OutputStream commands;
    private final InputStream output;
    private int exitCode;

    /** What a command has printed, and how it ended. */
    record Result(String output, int exitCode) {}

    /** @param folder for its files where memory has no room for them */
    ConsoleShell(Path folder) throws IOException {
        boolean isInMemory =
                Files.isWritable(MEMORY) && Files.getFileStore(MEMORY).getUsableSpace() >= MEMORY_BYTES;
        root = isInMemory
                ? Files.createTempDirectory(MEMORY, "armoire-console")
                : Files.createDirectories(folder).toRealPath();
        requests = Files.createDirectory(root.resolve(".console"));
        for (String name : List.of("home/me", "backup", "mnt", "srv", "var", "tmp")) {
            Files.createDirectories(root.resolve(name));
        }
        await(process("mkfifo", requests.resolve("requests").toString()));
        inbox = new RandomAccessFile(requests.resolve("requests").toFile(), "rw"); // both ways: it never ends
        ProcessBuilder builder = new ProcessBuilder("bash", "--norc", "--noprofile")
                .directory(root.resolve("home/me").toFile())
                .redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        environment.keySet().retainAll(List.of("PATH"));
        environment.put("HOME", root.resolve("home/me").toString());
        environment.put("LANG", "C.UTF-8");
        environment.put("USER", "me");
        environment.put("CONSOLE", requests.toString());
        bash = builder.start();
        commands = bash.getOutputStream();
        output = new BufferedInputStream(bash.getInputStream());
        Thread.ofPlatform().daemon().name("console-requests").start(this::serve);
        commands.write(FUNCTION.getBytes(UTF_8));
    }

    /** Runs one command; the shell keeps its variables, and {@code $?} is the exit code of the one before. */
    Result run(String command) throws IOException {
        Matcher places = PLACE.matcher(command);
        String text = places.replaceAll(Matcher.quoteReplacement(root + "/"));
        commands.write(("(exit " + exitCode + ")\n{ " + text + "\n} </dev/null; printf '\\n\\001%s\\n' \"$?\"\n")
                .getBytes(UTF_8));
        commands.flush();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        boolean isMark = false;
        for (int b = output.read(), before = 0; b != '\n' || !isMark; before = b, b = output.read()) {
            if (b < 0) {
                throw new IOException("the shell ended in: " + command + "\n" + bytes.toString(UTF_8));
            }
            isMark |= b == '\001' && before == '\n';
            bytes.write(b);
        }
        String all = bytes.toString(UTF_8);
        int mark = all.lastIndexOf(MARK);
        exitCode = Integer.parseInt(all.substring(mark + MARK.length()).strip());
        return new Result(all.substring(0, mark).replace(root.toString(), ""), exitCode);
    }

    /** Keeps what there is in the home folder and in {@code /backup}, for {@link #giveBackFiles}. */
    void keepFiles() throws IOException {
        await(process(
                "cp",
                "-a",
                root.resolve("home").toString(),
                root.resolve("backup").toString(),
                kept().toString()));
    }

    /** Makes all files be as they were when they were kept. */
    void giveBackFiles() throws IOException {
        for (String name : List.of("home/me", "backup", "mnt", "srv", "var", "tmp")) {
            await(process("find", root.resolve(name).toString(), "-mindepth", "1", "-delete"));
        }
        await(process("cp", "-a", kept() + "/.", root.toString()));
    }

    private Path kept() throws IOException {
        return Files.createDirectories(requests.resolveSibling(".kept"));
    }

    private static Process process(String... words) throws IOException {
        return new ProcessBuilder(words).start();
    }

    private void serve() {
        try {
            for (String request = inbox.readLine(); request != null; request = inbox.readLine()) {
                Path path = Path.of(request);
                Thread.ofPlatform().daemon().name("console-armoire").start(() -> answer(path));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private static Path part(Path request, String name) {
        return request.resolveSibling(request.getFileName() + "." + name);
    }

    private void answer(Path request) {
        try {
            List<String> words = texts(part(request, "words"));
            Map<String, String> environment = new HashMap<>();
            for (String variable : texts(part(request, "variables"))) {
                int equals = variable.indexOf('=');
                environment.put(variable.substring(0, equals), variable.substring(equals + 1));
            }
            Path piped = part(request, "in");
            int code;
            InputStream before = System.in;
            try (OutputStream out = Files.newOutputStream(part(request, "out"));
                    OutputStream err = Files.newOutputStream(part(request, "err"))) {
                if (Files.exists(piped)) {
                    System.setIn(new ByteArrayInputStream(Files.readAllBytes(piped)));
                }
                Path home = Path.of(environment.getOrDefault("HOME", ""));
                code = Cli.run(words, new Surroundings(environment, home, out, err, false, text -> null));
            } finally {
                System.setIn(before);
            }
            Files.writeString(part(request, "done"), code + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e); // the shell waits then, and the test's time limit ends it
        }
    }

    private static List<String> texts(Path file) throws IOException {
        List<String> texts = new ArrayList<>(List.of(Files.readString(file).split("\0", -1)));
        texts.removeLast();
        return texts;
    }

    private static void await(Process process) throws IOException {
        try {
            if (process.waitFor() != 0) {
                throw new IOException(new String(process.getErrorStream().readAllBytes(), UTF_8));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        bash.destroy();
        inbox.close();
        commands.close();
        output.close();
        await(process("chmod", "-R", "u+w", root.toString()));
        await(process("rm", "-rf", root.toString()));
    }
}
