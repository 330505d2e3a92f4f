// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.parity.ParityEvents;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** {@code parity}: makes what damaged packfiles can be healed from. */
final class ParityCommand implements Command {
    @Override
    public String usage() {
        return "parity [-percent N] [-verify] [-apply]";
    }

    @Override
    public String description() {
        return """
            Makes parity for the packfiles that have none yet, and says what it takes; with
            -apply, does so. `armoire check -heal` makes damaged or lost packfiles again
            from it. Parity lies beside the packfiles, in a folder that Plakar does not
            look at.

            Packfiles are covered in groups. Of each group, the loss of any one packfile can
            be healed, or damage to a stretch of N percent of it, or scattered damage as
            long as no more than 8 parts that depend on each other are hit. A group that is
            not full costs more than N percent, and is made anew with the packfiles that
            come; so run this after backups. States and CONFIG are not covered: `armoire
            repair` makes states again.

            maintenance takes care of the groups of the packfiles that it removes. After a
            maintenance by Plakar, run this again.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value(
                        "percent",
                        "N",
                        "size of parity of a full group, " + Parity.MIN_PERCENT + " to " + Parity.MAX_PERCENT
                                + " (default as before, at first " + Parity.USUAL_PERCENT + ")")
                .flag("verify", "read all parity that is there, and make anew what is damaged of it")
                .flag("apply", "make parity, and not only say what it takes");
    }

    @Override
    public String interrupted() {
        return "interrupted; the parity that was made counts, and `armoire parity -apply` goes on from here";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("parity takes no arguments: it is about the whole store");
        }
        Report report = session.report();
        boolean applies = arguments.is("apply");
        Integer percent = percent(arguments.get("percent"));
        try (Repository repository = applies ? session.openForWriting() : session.open()) {
            RepositoryLock lock = !applies || session.isLockless()
                    ? null
                    : RepositoryLock.shared(repository, repository.random().nextMac());
            try {
                repository.refresh();
                Events events = new Events(report, applies);
                Parity.Result result = Parity.update(repository, percent, arguments.is("verify"), applies, events);
                tell(result, applies, report);
                if (events.isDamaged()) {
                    report.failure(
                            "some packfiles are damaged: `armoire check` tells which files that is about",
                            ExitCode.DAMAGE);
                    return ExitCode.DAMAGE;
                }
                return ExitCode.OK;
            } finally {
                if (lock != null) {
                    lock.close();
                }
            }
        }
    }

    private static @Nullable Integer percent(@Nullable String text) {
        if (text == null) {
            return null;
        }
        String number = text.endsWith("%") ? text.substring(0, text.length() - 1) : text;
        if (number.matches("[1-9][0-9]?|100") && Integer.parseInt(number) >= Parity.MIN_PERCENT) {
            return Integer.valueOf(number);
        }
        throw CommandException.usage("-percent " + text + ": expected a whole number from " + Parity.MIN_PERCENT
                + " to " + Parity.MAX_PERCENT + ", such as " + Parity.USUAL_PERCENT);
    }

    private static void tell(Parity.Result result, boolean applies, Report report) {
        report.summary(
                result.made() == 0
                        ? "parity: nothing to cover"
                        : "parity: " + result.covered() + " packfiles (" + GoFormat.bytes(result.coveredBytes()) + ") "
                                + (applies ? "covered" : "to cover, run with -apply to proceed") + ", by "
                                + GoFormat.bytes(result.parityBytes()) + " in " + result.made()
                                + (result.made() == 1 ? " group" : " groups"),
                "parity.done",
                "packfiles",
                result.covered(),
                "bytes",
                result.coveredBytes(),
                "parity_bytes",
                result.parityBytes(),
                "groups",
                result.made(),
                "removed",
                result.removed(),
                "kept_packfiles",
                result.kept(),
                "kept_parity_bytes",
                result.keptBytes(),
                "uncovered",
                result.uncovered(),
                "applied",
                applies);
        if (result.kept() > 0) {
            report.info(result.kept() + " packfiles were covered before, by " + GoFormat.bytes(result.keptBytes()));
        }
        if (result.removed() > 0) {
            report.info(result.removed() + " parity objects " + (applies ? "were" : "would be")
                    + " removed, as newer ones" + " do or they are of no use any more");
        }
        if (result.uncovered() > 0) {
            report.warn(result.uncovered() + " packfiles have no parity");
        }
    }

    /** Tells what is found, and whether any of it was damage to packfiles. */
    static final class Events implements ParityEvents {
        private final Report report;
        private final boolean applies;
        private boolean isDamaged;

        Events(Report report, boolean applies) {
            this.report = report;
            this.applies = applies;
        }

        boolean isDamaged() {
            return isDamaged;
        }

        @Override
        public void notice(String text) {
            report.warn(text);
        }

        @Override
        public void damagedPackfile(Mac packfile, String reason) {
            report.error(ParityEvents.damage(packfile, reason));
            isDamaged = true;
        }

        @Override
        public void healed(Mac packfile, long bytes, boolean wasMissing) {
            report.info("packfile " + packfile.hex() + (applies ? " is healed: " : " can be healed: ")
                    + GoFormat.bytes(bytes) + (applies ? " made again" : " to make again")
                    + (wasMissing ? ", it was missing" : ""));
        }

        @Override
        public void notHealed(Mac packfile, String reason) {
            report.error("packfile " + packfile.hex() + " cannot be healed: " + reason
                    + "; it is left as it is: copy it back from another copy of the store");
        }
    }
}
