// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceEvents;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.maintenance.MaintenanceResult;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;

/** {@code maintenance}: removes what no snapshot needs. */
final class MaintenanceCommand implements Command {
    private static final String USUAL_WAIT = "15m";

    @Override
    public String usage() {
        return "maintenance [-dry-run] [-repack PERCENT] [-wait TIME]";
    }

    @Override
    public String description() {
        return """
            Finds packfiles that no snapshot needs and hides them ("colours" them); those that
            have been hidden for 7 days (ARMOIRE_GRACEPERIOD or PLAKAR_GRACEPERIOD say
            otherwise, for instance 48h) are removed. So space comes back in the second run.

            Backups go on while it works out what is needed. Then it takes the store for
            itself for a moment, and waits for those who are writing (-wait; a lock that a
            dead process left expires after ten minutes). When a snapshot is damaged, nothing
            is removed.

            A packfile of which anything is needed stays. With -repack 20, what is needed of
            those with 20 % or more of other data is copied into new ones, and they go. The
            snapshots that this touches get new ids: a Plakar machine remembers by id where
            the data of a snapshot are.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("dry-run", "only say what would be done")
                .value("repack", "PERCENT", "also empty packfiles of which so much or more is not needed, 1 to 100")
                .value("wait", "TIME", "wait so long for others, such as 90s or 1h (default " + USUAL_WAIT + ")");
    }

    @Override
    public String interrupted() {
        return "interrupted; the store is whole, and the next maintenance goes on from here";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("maintenance takes no arguments: it is about the whole store");
        }
        boolean isDryRun = arguments.is("dry-run");
        String graceText = session.surroundings().variable("GRACEPERIOD");
        Duration grace = graceText == null
                ? MaintenanceOptions.USUAL_GRACE
                : GoFormat.parseDuration(graceText, "ARMOIRE_GRACEPERIOD or PLAKAR_GRACEPERIOD");
        MaintenanceOptions options = new MaintenanceOptions(
                Instant.now(),
                grace,
                GoFormat.parseDuration(arguments.get("wait", USUAL_WAIT), "-wait"),
                isDryRun,
                session.isLockless(),
                session.surroundings().variable("NODELETION") != null,
                percent(arguments.get("repack", "0")));
        try (Repository repository = isDryRun ? session.open() : session.openForWriting()) {
            tell(Maintenance.run(repository, options, new Events(report, isDryRun)), grace, isDryRun, report);
        }
        return ExitCode.OK;
    }

    private static int percent(String text) {
        String number = text.endsWith("%") ? text.substring(0, text.length() - 1) : text;
        if (number.equals("0")) {
            return 0;
        }
        if (number.matches("[1-9][0-9]?|100")) {
            return Integer.parseInt(number);
        }
        throw CommandException.usage("-repack " + text + ": expected a whole percentage from 1 to 100, such as 20%");
    }

    private static void tell(MaintenanceResult result, Duration grace, boolean isDryRun, Report report) {
        report.summary(
                "maintenance: " + (isDryRun ? "Would colour " : "Coloured ") + result.coloured() + " packfiles ("
                        + result.orphaned() + " orphaned) for deletion",
                "maintenance.coloured",
                "packfiles",
                result.coloured(),
                "orphaned",
                result.orphaned(),
                "bytes",
                result.colouredBytes(),
                "dry_run",
                isDryRun);
        if (result.repacked() > 0) {
            report.summary(
                    "maintenance: " + (isDryRun ? "Would copy " : "Copied ") + GoFormat.bytes(result.copiedBytes())
                            + " out of "
                            + result.repacked() + " of them; " + result.rewritten()
                            + (isDryRun ? " snapshots would get new ids" : " snapshots have new ids"),
                    "maintenance.repacked",
                    "packfiles",
                    result.repacked(),
                    "bytes",
                    result.copiedBytes(),
                    "snapshots",
                    result.rewritten(),
                    "dry_run",
                    isDryRun);
        }
        if (result.coloured() > 0) {
            report.summary(
                    "Coloured packfiles are scheduled to be removed in " + GoFormat.shortDuration(grace),
                    "maintenance.grace",
                    "seconds",
                    grace.toSeconds());
            report.info("that " + (isDryRun ? "would free " : "will free ") + GoFormat.bytes(result.colouredBytes()));
        }
        if (result.waiting() > 0) {
            report.info(result.waiting() + " packfiles coloured before wait for the end of that time");
        }
        if (result.reprieved() > 0) {
            report.summary(
                    "maintenance: " + result.reprieved() + " packfiles that are needed "
                            + (isDryRun ? "would be " : "were ") + "made visible again",
                    "maintenance.reprieved",
                    "packfiles",
                    result.reprieved());
        }
        report.summary(
                "maintenance: " + result.removedBlobs() + " blobs and " + result.removed() + " packfiles "
                        + (isDryRun ? "would be" : "were") + " removed",
                "maintenance.removed",
                "blobs",
                result.removedBlobs(),
                "packfiles",
                result.removed(),
                "bytes",
                result.removedBytes(),
                "dry_run",
                isDryRun);
        if (result.removed() > 0) {
            report.info(GoFormat.bytes(result.removedBytes()) + (isDryRun ? " would be" : " were") + " freed");
        }
    }

    private record Events(Report report, boolean isDryRun) implements MaintenanceEvents {
        @Override
        public void notice(String text) {
            report.warn(text);
        }

        @Override
        public void rewritten(Mac from, Mac to) {
            report.summary(
                    "maintenance: snapshot " + from.shortHex() + " is " + to.shortHex() + " now",
                    "maintenance.rewritten",
                    "from",
                    from.hex(),
                    "to",
                    to.hex());
        }

        @Override
        public void unfinished(int writes) {
            report.summary(
                    "maintenance: " + writes + " unfinished writes of stopped writers "
                            + (isDryRun ? "would be" : "were") + " taken back",
                    "maintenance.unfinished",
                    "writes",
                    writes,
                    "dry_run",
                    isDryRun);
        }

        @Override
        public void waiting(String why) {
            report.notice("waiting: " + why);
        }
    }
}
