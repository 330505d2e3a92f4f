// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.engine.repository.PipelineAbortedException;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Threads that do tasks, each with tools of its own. Owns its threads. One thread submits, and waits while the queue is full;
 * tasks may add tasks, and wait for nothing. The first failure of a task stops everything and comes out of the submitting
 * thread's next call. An interrupt of that thread does the same.
 */
final class WorkQueue<T extends WorkQueue.Tools> implements AutoCloseable {
    private static final int QUEUED_TASKS = 1024;
    /** More offers wait only where nobody is free to take them. */
    private static final int OFFERED_TASKS = 64;

    private final ManyToManyConcurrentArrayQueue<Task<T>> queue = new ManyToManyConcurrentArrayQueue<>(QUEUED_TASKS);
    /** The last one forked is done first, so that as few are open as in a walk into the depth. */
    private final Deque<Task<T>> forked = new ConcurrentLinkedDeque<>();

    private final Function<BooleanSupplier, T> newTools;
    /** Tasks submitted and not finished. Its decrement releases what a task did to whoever sees it reach zero. */
    private final AtomicInteger open = new AtomicInteger();

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final List<Thread> threads = new ArrayList<>();
    private final IdleStrategy idle = newIdleStrategy();
    private volatile boolean ended;

    /** What one thread works with. Made, used and closed by that thread. */
    interface Tools extends AutoCloseable {
        @Override
        void close();
    }

    /** Something to be done once. */
    @FunctionalInterface
    interface Task<T> {
        void run(T tools);
    }

    /** @param newTools called by each thread, with what tells long tasks that their result is no longer wanted */
    WorkQueue(String name, int workers, Function<BooleanSupplier, T> newTools) {
        this.newTools = newTools;
        for (int i = 0; i < workers; i++) {
            threads.add(Thread.ofPlatform().name(name + '-' + i).daemon().unstarted(this::work));
        }
        threads.forEach(Thread::start);
    }

    void submit(Task<T> task) {
        open.incrementAndGet();
        idle.reset();
        while (!queue.offer(task)) {
            stopIfAsked();
            idle.idle();
        }
    }

    /** Adds a task from within a task. */
    void fork(Task<T> task) {
        open.incrementAndGet();
        forked.push(task);
    }

    /** Adds a task from within a task, unless enough wait already: then it is better done by whoever has it. */
    boolean offer(Task<T> task) {
        open.incrementAndGet();
        if (queue.size() < OFFERED_TASKS && queue.offer(task)) {
            return true;
        }
        open.decrementAndGet();
        return false;
    }

    /** Waits until all that was submitted, and what came of it, is done. */
    void await() {
        idle.reset();
        while (open.get() > 0) {
            stopIfAsked();
            idle.idle();
        }
        stopIfAsked();
    }

    /** Fails when a task has failed, or the calling thread was interrupted. */
    void stopIfAsked() {
        if (Thread.currentThread().isInterrupted()) {
            failure.compareAndSet(null, new PipelineAbortedException());
        }
        switch (failure.get()) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    private boolean isStopped() {
        return failure.get() != null;
    }

    private void work() {
        IdleStrategy workerIdle = newIdleStrategy();
        try (T tools = newTools.apply(this::isStopped)) {
            while (failure.get() == null) {
                Task<T> task = queue.poll();
                if (task == null) {
                    task = forked.poll();
                }
                if (task != null) {
                    workerIdle.reset();
                    task.run(tools);
                    open.decrementAndGet();
                } else if (ended) {
                    return;
                } else {
                    workerIdle.idle();
                }
            }
        } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        }
    }

    private static IdleStrategy newIdleStrategy() {
        return new BackoffIdleStrategy(10, 1, 20_000, 500_000);
    }

    /** Ends the threads. What was submitted and not awaited is dropped. */
    @Override
    public void close() {
        if (open.get() > 0) {
            failure.compareAndSet(null, new PipelineAbortedException());
        }
        ended = true;
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    failure.compareAndSet(null, new PipelineAbortedException());
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
