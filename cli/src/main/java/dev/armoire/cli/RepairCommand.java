// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repair.Repair;
import dev.armoire.engine.repair.RepairEvents;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.time.Duration;

/** {@code repair}: rebuilds states from packfiles. */
final class RepairCommand implements Command {
    private static final String USUAL_WAIT = "15m";

    @Override
    public String usage() {
        return "repair [-apply] [-wait TIME]";
    }

    @Override
    public String description() {
        return """
            Looks for packfiles that no state names, and for states that cannot be read; with
            -apply, lists those packfiles in a new state and takes those states away. So a
            store that lost its states is whole again; snapshots that had been removed come
            back with it. Nothing that is well is changed.

            The exit code is 65 when something is left that cannot be repaired: `armoire
            check` tells which files it is about.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("apply", "repair, and not only list")
                .value("wait", "TIME", "wait so long for others, such as 90s or 1h (default " + USUAL_WAIT + ")");
    }

    @Override
    public String interrupted() {
        return "interrupted; what was repaired so far is, `armoire repair` does the rest";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("repair takes no arguments: it is about the whole store");
        }
        Report report = session.report();
        boolean applies = arguments.is("apply");
        Duration patience = GoFormat.parseDuration(arguments.get("wait", USUAL_WAIT), "-wait");
        try (Repository repository = applies ? session.openForWriting() : session.open()) {
            Repair.Result result = Repair.run(
                    repository, applies, session.isLockless() ? null : patience, new Events(report, applies));
            if (result.repaired() > 0) {
                report.summary(
                        "repair: " + result.repaired()
                                + (applies ? " repairs made" : " repairs to make, run with -apply to proceed"),
                        "repair.done",
                        "repairs",
                        result.repaired(),
                        "lost",
                        result.lost(),
                        "applied",
                        applies);
            } else if (result.lost() == 0) {
                report.info("no repairs needed");
            }
            if (result.lost() > 0) {
                report.failure(result.lost() + " problems cannot be repaired", ExitCode.DAMAGE);
                return ExitCode.DAMAGE;
            }
            return ExitCode.OK;
        }
    }

    private record Events(Report report, boolean applies) implements RepairEvents {
        @Override
        public void unlisted(Mac packfile, long blobs) {
            report.info("packfile " + packfile.hex() + " with " + blobs + " blobs is in no state: "
                    + (applies ? "listed again" : "to be listed again"));
        }

        @Override
        public void damagedState(Mac state, String problem) {
            report.warn(problem + (applies ? "; taken away" : "; to be taken away"));
        }

        @Override
        public void lost(String what) {
            report.error(what);
        }

        @Override
        public void waiting(String why) {
            report.notice("waiting: " + why);
        }
    }
}
