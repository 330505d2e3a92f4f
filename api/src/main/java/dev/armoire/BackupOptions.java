// SPDX-License-Identifier: ISC
package dev.armoire;

import java.util.ArrayList;
import java.util.List;

/** How to make a snapshot. Immutable: each method gives further options. */
public final class BackupOptions {
    private static final BackupOptions DEFAULTS = new BackupOptions(new Builder());

    private final Builder values;

    /** The values; changed only before they are in options. */
    private static final class Builder implements Cloneable {
        private String name = "default";
        private String category = "";
        private String environment = "";
        private String perimeter = "";
        private String job = "";
        private List<String> tags = List.of();
        private List<String> excludes = List.of();
        private boolean attributes = true;
        private boolean rereads;
        private ProgressListener listener = new ProgressListener() {};

        Builder copy() {
            try {
                return (Builder) clone();
            } catch (CloneNotSupportedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private BackupOptions(Builder values) {
        this.values = values;
    }

    /** A snapshot called {@code default}, of everything, that reads only what has changed since the last one. */
    public static BackupOptions defaults() {
        return DEFAULTS;
    }

    /** With a name. */
    public BackupOptions withName(String name) {
        Builder copy = values.copy();
        copy.name = name;
        return new BackupOptions(copy);
    }

    /** With a category. */
    public BackupOptions withCategory(String category) {
        Builder copy = values.copy();
        copy.category = category;
        return new BackupOptions(copy);
    }

    /** With an environment. */
    public BackupOptions withEnvironment(String environment) {
        Builder copy = values.copy();
        copy.environment = environment;
        return new BackupOptions(copy);
    }

    /** With a perimeter. */
    public BackupOptions withPerimeter(String perimeter) {
        Builder copy = values.copy();
        copy.perimeter = perimeter;
        return new BackupOptions(copy);
    }

    /** With the job that it belongs to. */
    public BackupOptions withJob(String job) {
        Builder copy = values.copy();
        copy.job = job;
        return new BackupOptions(copy);
    }

    /** With these tags. */
    public BackupOptions withTags(String... tags) {
        Builder copy = values.copy();
        copy.tags = List.of(tags);
        return new BackupOptions(copy);
    }

    /** Leaving out, too, what matches a pattern as in {@code .gitignore}; of several the last one that matches decides. */
    public BackupOptions withExclude(String pattern) {
        Builder copy = values.copy();
        List<String> all = new ArrayList<>(values.excludes);
        all.add(pattern);
        copy.excludes = List.copyOf(all);
        return new BackupOptions(copy);
    }

    /** Without extended attributes. */
    public BackupOptions withoutAttributes() {
        Builder copy = values.copy();
        copy.attributes = false;
        return new BackupOptions(copy);
    }

    /** Reading every file again, also those that have not changed since the last snapshot. */
    public BackupOptions withRereading() {
        Builder copy = values.copy();
        copy.rereads = true;
        return new BackupOptions(copy);
    }

    /** With somebody who is told how it goes on. */
    public BackupOptions withListener(ProgressListener listener) {
        Builder copy = values.copy();
        copy.listener = listener;
        return new BackupOptions(copy);
    }

    List<String> excludes() {
        return values.excludes;
    }

    boolean readsAttributes() {
        return values.attributes;
    }

    ProgressListener listener() {
        return values.listener;
    }

    /** In the words of the engine. */
    dev.armoire.engine.backup.BackupOptions forEngine(OpenOptions how) {
        return new dev.armoire.engine.backup.BackupOptions(
                values.name,
                values.category,
                values.environment,
                values.perimeter,
                values.job,
                values.tags,
                null,
                !values.rereads,
                how.workers(),
                how.temporaryFolder(),
                "",
                false);
    }
}
