// SPDX-License-Identifier: ISC
package dev.armoire.examples;

import dev.armoire.BackupOptions;
import dev.armoire.BackupReport;
import dev.armoire.CheckOptions;
import dev.armoire.CreateOptions;
import dev.armoire.OpenOptions;
import dev.armoire.Problem;
import dev.armoire.RestoreReport;
import dev.armoire.Store;
import java.io.IOException;
import java.nio.file.Path;

/** Makes a store, backs a folder up, checks all, and restores it elsewhere. */
public final class BackUpAndRestore {
    private BackUpAndRestore() {}

    /** The array with the passphrase is wiped. */
    public static void run(Path where, char[] passphrase, Path source, Path target) throws IOException {
        try (Store store = Store.create(where, CreateOptions.encrypted(passphrase), OpenOptions.defaults())) {
            BackupReport backup = store.backup(
                    source, BackupOptions.defaults().withTags("nightly").withExclude("*.tmp"));
            for (Problem problem : backup.problems()) {
                System.err.println("not backed up: " + problem);
            }

            if (!store.check(CheckOptions.everything()).isHealthy()) {
                throw new IOException("the store is damaged");
            }

            RestoreReport restore = backup.snapshot().restore(target);
            System.out.println(restore + "; complete: " + restore.isComplete());
        }
    }
}
