// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Asks the person at the terminal for a secret. {@link Console} does it when standard output is a terminal, too; when it
 * is not, as in {@code armoire cat ... > file}, the question goes to standard error and stty turns the echo off.
 */
final class TerminalPrompt implements Surroundings.Prompt {
    private static final int MAX_BYTES = 4096;

    private final AtomicBoolean isAsking = new AtomicBoolean();
    private final AtomicBoolean isEchoOff = new AtomicBoolean();

    @Override
    @SuppressWarnings("SystemConsoleNull") // since Java 22 it mostly is not, but its description still allows null
    public char @Nullable [] ask(String text) {
        isAsking.set(true);
        try {
            Console console = System.console();
            if (console != null && console.isTerminal()) {
                return console.readPassword("%s", text);
            }
            return succeeds("test", "-t", "0") ? askWithoutConsole(text) : null;
        } finally {
            isAsking.set(false);
        }
    }

    private char @Nullable [] askWithoutConsole(String text) {
        isEchoOff.set(true);
        try {
            if (!succeeds("stty", "-echo")) {
                return null; // a secret that shows is worse than none
            }
            say(text);
            return readLine();
        } catch (IOException e) {
            return null;
        } finally {
            restore();
            say("\n");
        }
    }

    private static void say(String text) {
        try {
            var err = new FileOutputStream(FileDescriptor.err); // stays open: it is not ours
            err.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // The terminal is there, as it was asked; that a question does not show is no reason to fail.
        }
    }

    private static char @Nullable [] readLine() throws IOException {
        byte[] line = new byte[MAX_BYTES];
        int length = 0;
        InputStream in = new FileInputStream(FileDescriptor.in);
        try {
            for (int b = in.read(); b != '\n'; b = in.read()) {
                if (b < 0 || length == MAX_BYTES) {
                    return null;
                }
                line[length++] = (byte) b;
            }
            CharBuffer characters = StandardCharsets.UTF_8.decode(ByteBuffer.wrap(line, 0, length));
            char[] typed = new char[characters.remaining()];
            characters.get(typed);
            Arrays.fill(characters.array(), '\0');
            return typed;
        } finally {
            Arrays.fill(line, (byte) 0);
        }
    }

    /** Turns the echo on again if it is off. Returns whether a question was being asked. */
    boolean restore() {
        if (isEchoOff.compareAndSet(true, false)) {
            succeeds("stty", "echo");
        }
        return isAsking.get();
    }

    private static boolean succeeds(String... command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
