// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Runs pieces of work on threads of their own and the calling one; the first failure is the one that is thrown. */
final class Threads {
    private Threads() {}

    /** A piece of work. */
    @FunctionalInterface
    interface Work {
        void run() throws IOException, InterruptedException;
    }

    /** Runs both, at once or one after the other. */
    static void runBoth(boolean atOnce, Work first, Work second) throws IOException {
        if (atOnce) {
            runAll(List.of(second, first));
        } else {
            runAll(List.of(() -> {
                first.run();
                second.run();
            }));
        }
    }

    /** Runs the first piece on the calling thread and each other one on its own; returns when all have ended. */
    static void runAll(List<Work> work) throws IOException {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (Work piece : work.subList(1, work.size())) {
            threads.add(
                    Thread.ofPlatform().name("tree-", threads.size()).daemon().start(() -> run(piece, failure)));
        }
        run(work.getFirst(), failure);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    threads.forEach(Thread::interrupt);
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        switch (failure.get()) {
            case null -> {}
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException(e.getMessage());
            }
        }
    }

    private static void run(Work work, AtomicReference<@Nullable Throwable> failure) {
        try {
            work.run();
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
    }
}
