// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.StreamCipher;
import dev.armoire.engine.backup.Platform;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.Version;
import dev.armoire.simd.Kernels;

/** {@code version}: which program this is. */
final class VersionCommand implements Command {
    @Override
    public String usage() {
        return "version [-v]";
    }

    @Override
    public String description() {
        return "Prints the version of this program.";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("v", "also the versions of formats, and what computes on this machine");
    }

    static String line() {
        return "armoire/" + Platform.version();
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) {
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("version takes no arguments");
        }
        Report report = session.report();
        report.result(line(), "version", "armoire", Platform.version());
        if (arguments.is("v")) {
            item(report, "store format", Version.toString(ResourceType.currentVersion(ResourceType.CONFIG)));
            item(report, "state format", Version.toString(ResourceType.currentVersion(ResourceType.STATE)));
            item(report, "packfile format", Version.toString(ResourceType.currentVersion(ResourceType.PACKFILE)));
            item(report, "snapshot format", Version.toString(ResourceType.currentVersion(ResourceType.SNAPSHOT)));
            item(report, "kernels", Kernels.describe());
            item(report, "encryption", "AES256-GCM-SIV by " + StreamCipher.implementation());
            item(report, "java", Runtime.version() + ", " + System.getProperty("java.vm.name"));
        }
        return ExitCode.OK;
    }

    private static void item(Report report, String name, String value) {
        report.result(name + ": " + value, "detail", "name", name, "value", value);
    }
}
