// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** All commands by name. A command's class is loaded when it is asked for, and no sooner. */
final class Commands {
    /** A command that can be had. */
    record Known(String summary, Supplier<Command> maker) {}

    private static final Map<String, Known> KNOWN = new LinkedHashMap<>();

    /** Words that Plakar knows and Armoire replaces by something else, and what that is. */
    private static final Map<String, String> REPLACED = Map.of(
            "login", "Armoire has no accounts and needs no login",
            "logout", "Armoire has no accounts and needs no login",
            "service", "Armoire has no vendor services: `armoire run` and `armoire schedule` run jobs",
            "token", "Armoire has no accounts and needs no token",
            "pkg", "Armoire has no packages to add: its connectors are built in",
            "cached", "Armoire needs no helper process");

    static {
        KNOWN.put("create", new Known("make a store", () -> new CreateCommand()));
        KNOWN.put("backup", new Known("make a snapshot of files", () -> new BackupCommand()));
        KNOWN.put("ls", new Known("list snapshots, or files in one", () -> new LsCommand()));
        KNOWN.put("cat", new Known("print files of a snapshot", () -> new CatCommand()));
        KNOWN.put("locate", new Known("find files in snapshots", () -> new LocateCommand("locate")));
        KNOWN.put("find", new Known("the same as locate", () -> new LocateCommand("find")));
        KNOWN.put("history", new Known("show the versions of a file", () -> new HistoryCommand()));
        KNOWN.put("diff", new Known("compare snapshots, or one with the disk", () -> new DiffCommand()));
        KNOWN.put("digest", new Known("print hashes of files of a snapshot", () -> new DigestCommand()));
        KNOWN.put("archive", new Known("make a tar or zip file of a snapshot", () -> new ArchiveCommand()));
        KNOWN.put("restore", new Known("give back files of a snapshot", () -> new RestoreCommand()));
        KNOWN.put("mount", new Known("show snapshots as folders", () -> new MountCommand()));
        KNOWN.put("ui", new Known("show the store in a browser", () -> new UiCommand()));
        KNOWN.put("check", new Known("look for damage", () -> new CheckCommand()));
        KNOWN.put("info", new Known("describe a store or a snapshot", () -> new InfoCommand()));
        KNOWN.put("diag", new Known("look at what a store is made of", () -> new DiagCommand()));
        KNOWN.put("du", new Known("show what snapshots and files take", () -> new DuCommand()));
        KNOWN.put("stats", new Known("show how the store has grown", () -> new StatsCommand()));
        KNOWN.put("rm", new Known("remove snapshots", () -> new RmCommand()));
        KNOWN.put("prune", new Known("remove what retention rules do not keep", () -> new PruneCommand()));
        KNOWN.put("policy", new Known("name retention rules", () -> new PolicyCommand()));
        KNOWN.put("run", new Known("run the jobs of a file", () -> new RunCommand()));
        KNOWN.put("schedule", new Known("let systemd or cron run jobs", () -> new ScheduleCommand()));
        KNOWN.put("status", new Known("say how old backups and checks are", () -> new StatusCommand()));
        KNOWN.put("store", new Known("name stores", () -> new PlaceCommand(PlacesFile.Kind.STORE)));
        KNOWN.put("source", new Known("name sources", () -> new PlaceCommand(PlacesFile.Kind.SOURCE)));
        KNOWN.put("destination", new Known("name targets", () -> new PlaceCommand(PlacesFile.Kind.DESTINATION)));
        KNOWN.put("maintenance", new Known("remove what no snapshot needs", () -> new MaintenanceCommand()));
        KNOWN.put("parity", new Known("make parity, which damage is healed from", () -> new ParityCommand()));
        KNOWN.put("sync", new Known("bring snapshots to another store", () -> new SyncCommand()));
        KNOWN.put("ptar", new Known("make an archive of snapshots and files", () -> new PtarCommand()));
        KNOWN.put("dup", new Known("copy a snapshot within the store", () -> new DupCommand()));
        KNOWN.put("repair", new Known("rebuild lost states", () -> new RepairCommand()));
        KNOWN.put("server", new Known("give the store out over HTTP", () -> new ServerCommand()));
        KNOWN.put("completion", new Known("complete words in bash, zsh or fish", () -> new CompletionCommand()));
        KNOWN.put("version", new Known("say which version this is", () -> new VersionCommand()));
        KNOWN.put("help", new Known("explain a command", () -> new HelpCommand()));
    }

    /** Those that go through no file's content; the launcher has the same list. */
    private static final Set<String> LIGHT = Set.of(
            "version",
            "help",
            "completion",
            "ls",
            "locate",
            "find",
            "history",
            "info",
            "status",
            "schedule",
            "policy",
            "store",
            "source",
            "destination");

    private Commands() {}

    /** Whether most of what a command takes is its start. To be told before its words are parsed. */
    static boolean isLight(List<String> words) {
        int at = !words.isEmpty() && words.getFirst().equals("at") ? 2 : 0;
        return words.size() > at && LIGHT.contains(words.get(at));
    }

    static Map<String, Known> all() {
        return KNOWN;
    }

    static @Nullable Known find(String name) {
        return KNOWN.get(name);
    }

    /** Says what is wrong with this word in the place of a command */
    static CommandException notFound(String name) {
        String instead = REPLACED.get(name);
        if (instead != null) {
            return CommandException.usage(name + ": " + instead);
        }
        String nearest = Words.nearest(name, KNOWN.keySet());
        return CommandException.usage("command not found: " + name
                + (nearest == null ? "; `armoire help` lists the commands" : "; did you mean " + nearest + "?"));
    }
}
