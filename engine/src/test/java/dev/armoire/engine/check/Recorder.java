// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Runs checks and keeps what they told. Items are named {@code 3f544fc3:/a/b}. */
final class Recorder implements CheckEvents {
    final List<String> done = new ArrayList<>();
    final Map<String, String> failed = new TreeMap<>();
    final List<String> storeProblems = new ArrayList<>();
    final List<String> finished = new ArrayList<>();
    final List<String> notices = new ArrayList<>();
    private boolean wantsItems = true;
    private CheckResult result = new CheckResult(0, 0, false, 0);

    static Recorder check(Repository repository, List<Target> targets, boolean fast, boolean store) throws IOException {
        Recorder recorder = new Recorder();
        recorder.result = Check.run(repository, new CheckRequest(targets, fast, store, 2), recorder);
        return recorder;
    }

    /** A check that need not name what is well. */
    static Recorder quietCheck(Repository repository, List<Target> targets) throws IOException {
        Recorder recorder = new Recorder();
        recorder.wantsItems = false;
        recorder.result = Check.run(repository, new CheckRequest(targets, false, true, 2), recorder);
        return recorder;
    }

    @Override
    public boolean wantsItems() {
        return wantsItems;
    }

    CheckResult result() {
        return result;
    }

    static String item(Mac snapshot, byte[] path) {
        return snapshot.shortHex() + ':' + SnapshotPath.display(path);
    }

    @Override
    public synchronized void done(Mac snapshot, byte[] path) {
        done.add(item(snapshot, path));
    }

    @Override
    public synchronized void failed(Mac snapshot, byte[] path, String reason) {
        String earlier = failed.put(item(snapshot, path), reason);
        if (earlier != null) {
            throw new AssertionError(item(snapshot, path) + " was told twice: " + earlier + " and " + reason);
        }
    }

    @Override
    public synchronized void storeProblem(String object, String reason) {
        storeProblems.add(object + ": " + reason);
    }

    @Override
    public synchronized void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos) {
        finished.add(snapshot.shortHex() + ' ' + errors);
    }

    @Override
    public synchronized void notice(String text) {
        notices.add(text);
    }
}
