// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.time.Instant;
import java.time.temporal.ChronoField;
import java.util.List;

/** A snapshot of which only the time is known: enough where {@link SnapshotQuery#needsTimesOnly}. */
public record TimeOnly(Instant time) implements SnapshotFields {
    @Override
    public long timestampSeconds() {
        return time.getEpochSecond();
    }

    @Override
    public int timestampNanos() {
        return time.get(ChronoField.NANO_OF_SECOND);
    }

    @Override
    public String name() {
        return "";
    }

    @Override
    public String category() {
        return "";
    }

    @Override
    public String environment() {
        return "";
    }

    @Override
    public String perimeter() {
        return "";
    }

    @Override
    public String job() {
        return "";
    }

    @Override
    public String dataset() {
        return "";
    }

    @Override
    public List<String> tags() {
        return List.of();
    }

    @Override
    public List<String> dataClasses() {
        return List.of();
    }

    @Override
    public List<String> roots() {
        return List.of();
    }

    @Override
    public List<String> origins() {
        return List.of();
    }

    @Override
    public List<String> types() {
        return List.of();
    }
}
