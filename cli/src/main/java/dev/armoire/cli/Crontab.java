// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The crontab of the user, in which some lines between two marks are ours. All others stay as they are, byte for byte, and what
 * was there is saved before it is replaced.
 */
final class Crontab {
    /** Gives every byte back as it was, whatever the lines of others are encoded in. */
    private static final Charset BYTES = StandardCharsets.ISO_8859_1;

    private final Surroundings surroundings;
    private final String begin;
    private final String end;

    /**
     * The crontab as far as it is for one file of jobs.
     *
     * @param begin the line before ours
     */
    Crontab(Surroundings surroundings, String begin) {
        this.surroundings = surroundings;
        this.begin = asBytes(begin);
        this.end = asBytes("# End of: ") + this.begin;
    }

    /**
     * Puts lines in the place of those that are ours.
     *
     * @param lines without a line feed in them; none to leave nothing of ours
     * @param folder where to save what was there, if it was something
     * @return whether anything was to be changed
     */
    boolean replace(List<String> lines, Path folder) throws IOException {
        String before = read();
        String after = replaced(before, lines.stream().map(Crontab::asBytes).toList());
        if (after.equals(before)) {
            return false;
        }
        Path saved = folder.resolve("crontab.before");
        if (!before.isEmpty()) {
            save(before, folder, saved);
        }
        call("crontab -", after);
        if (!read().equals(after)) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "`crontab -l` does not show what was written with `crontab -`"
                            + (before.isEmpty() ? "" : "; what was there before is in " + saved));
        }
        return true;
    }

    private static void save(String text, Path folder, Path file) throws IOException {
        YamlFiles.makeFolder(folder);
        Path temporary = Files.createTempFile(folder, "crontab.", ".tmp"); // of mode 0600
        Files.writeString(temporary, text, BYTES);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String asBytes(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), BYTES);
    }

    private String replaced(String before, List<String> lines) {
        List<String> all = new ArrayList<>(Arrays.asList(before.split("\n", -1)));
        int from = all.indexOf(begin);
        if (from != all.lastIndexOf(begin)) {
            throw broken("there is more than one line \"" + begin + '"');
        }
        List<String> ours = new ArrayList<>();
        if (!lines.isEmpty()) {
            ours.add(begin);
            ours.addAll(lines);
            ours.add(end);
        }
        if (from >= 0) {
            int length = all.subList(from, all.size()).indexOf(end);
            if (length < 0) {
                throw broken("behind the line \"" + begin + "\" there is no line \"" + end + '"');
            }
            List<String> old = all.subList(from, from + length + 1);
            old.clear();
            all.addAll(from, ours);
            return String.join("\n", all);
        }
        if (ours.isEmpty()) {
            return before;
        }
        return before + (before.isEmpty() || before.endsWith("\n") ? "" : "\n") + String.join("\n", ours) + "\n";
    }

    private static CommandException broken(String why) {
        return new CommandException(
                ExitCode.ERROR, "the crontab was left as it is, as " + why + ": put that right with `crontab -e`");
    }

    private String read() throws IOException {
        Ended ended = run("crontab -l", "");
        if (ended.code == 0) {
            return ended.output;
        }
        if (ended.errors.contains("no crontab for")) {
            return "";
        }
        throw failed("crontab -l", ended);
    }

    private void call(String command, String input) throws IOException {
        Ended ended = run(command, input);
        if (ended.code != 0) {
            throw failed(command, ended);
        }
    }

    private static CommandException failed(String command, Ended ended) {
        String errors = ended.errors.strip();
        return new CommandException(
                ExitCode.ERROR,
                "`" + command + "` exited with " + ended.code + (errors.isEmpty() ? "" : ": " + errors)
                        + "; the crontab was left as it is");
    }

    private record Ended(int code, String output, String errors) {}

    private Ended run(String command, String input) throws IOException {
        Path errors = Files.createTempFile("armoire-crontab", ".txt");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder("/bin/sh", "-c", "exec " + command).redirectError(errors.toFile());
            builder.environment().put("LC_ALL", "C"); // what it says is looked at
            String path = surroundings.plain("PATH");
            if (path != null) {
                builder.environment().put("PATH", path);
            }
            Process process = builder.start();
            try (var stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(BYTES));
            } catch (IOException e) {
                // It does not read to the end: its exit code says why.
            }
            byte[] output = process.getInputStream().readAllBytes();
            int code = process.waitFor();
            return new Ended(code, new String(output, BYTES), Files.readString(errors, BYTES));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } finally {
            Files.deleteIfExists(errors);
        }
    }
}
