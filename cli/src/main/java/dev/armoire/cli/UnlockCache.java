// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.ffi.KeyRing;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Keys of stores in the kernel's key ring of this user, for a time, so that a series of commands derives each once. For who asks for
 * it only: as long as it lasts, every process of the user can open the store. The time is counted from when the passphrase
 * was given; use does not extend it.
 */
final class UnlockCache implements Repository.KeyCache {
    static final String FLAG = "unlock-cache";
    static final String SETTING = "unlock_cache";
    private static final String VARIABLE = "UNLOCK_CACHE";
    private static final Duration MOST = Duration.ofDays(30);

    private final Duration time;
    private final Report report;
    private boolean isTold;

    private UnlockCache(Duration time, Report report) {
        this.time = time;
        this.report = report;
    }

    /**
     * The one that the user wants, or null.
     *
     * @param flag value of the flag, or null
     * @param settings of the store
     */
    static @Nullable UnlockCache of(
            @Nullable String flag, Map<String, String> settings, Surroundings surroundings, Report report) {
        String origin = "-" + FLAG;
        String text = flag;
        if (text == null) {
            origin = SETTING;
            text = settings.get(SETTING);
        }
        if (text == null) {
            origin = "ARMOIRE_" + VARIABLE;
            text = surroundings.plain(origin);
        }
        if (text == null) {
            return null;
        }
        Duration time = GoFormat.parseDuration(text, origin);
        if (time.compareTo(MOST) > 0 || !time.isZero() && time.toSeconds() == 0) {
            throw CommandException.usage(origin + ": " + text + ": 1s to 30d is possible, and 0 to forget the key");
        }
        return new UnlockCache(time, report);
    }

    private static String name(UUID repository) {
        return "armoire:" + repository;
    }

    @Override
    public byte @Nullable [] find(UUID repository) {
        try {
            if (time.isZero()) {
                KeyRing.forget(name(repository));
                return null;
            }
            return KeyRing.find(name(repository));
        } catch (IOException | RuntimeException | LinkageError e) {
            tell(e);
            return null;
        }
    }

    @Override
    public void keep(UUID repository, byte[] masterKey) {
        if (time.isZero() || isTold) {
            return;
        }
        try {
            KeyRing.keep(name(repository), masterKey, (int) time.toSeconds());
        } catch (IOException | RuntimeException | LinkageError e) {
            tell(e);
        }
    }

    /** Once: then it is as if nobody had asked for it. */
    private void tell(Throwable problem) {
        if (!isTold && !time.isZero()) {
            isTold = true;
            report.warn("the key of the store is not kept, so each command needs the passphrase: "
                    + (problem instanceof IOException ? problem.getMessage() : "only Linux has a key ring for that"));
        }
    }
}
