// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code policy}: names filters, windows and caps for {@code prune -policy}. */
final class PolicyCommand implements Command {
    @Override
    public String usage() {
        return """
            policy add NAME [KEY=VALUE...]
            policy set NAME KEY=VALUE...
            policy unset NAME KEY...
            policy rm NAME
            policy show [-json|-yaml] [NAME...]""";
    }

    @Override
    public String description() {
        return """
            Keeps named sets of filters, windows and caps in policies.yml of the
            configuration folder, where Plakar finds them, too. KEY is the name of a flag of
            `armoire prune` without its dash: days, per-day, tag, root, group-by, and so on;
            `ids` for ids.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("yaml", "show as YAML (the default)");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        List<String> words = arguments.words();
        if (words.isEmpty()) {
            throw CommandException.usage("policy add, set, unset, rm or show?");
        }
        PoliciesFile policies = PoliciesFile.read(session.configurations());
        List<String> rest = words.subList(1, words.size());
        if (words.getFirst().equals("show")) {
            show(policies, rest, session.report());
            return ExitCode.OK;
        }
        if (rest.isEmpty()) {
            throw CommandException.usage("policy " + words.getFirst() + " needs the name of a policy");
        }
        String name = rest.getFirst();
        List<String> settings = rest.subList(1, rest.size());
        switch (words.getFirst()) {
            case "add" -> {
                if (policies.has(name)) {
                    throw new CommandException(ExitCode.ERROR, "policy \"" + name + "\" already exists");
                }
                policies.add(name);
                set(policies, name, settings, session.report());
            }
            case "set" -> {
                if (settings.isEmpty()) {
                    throw CommandException.usage("policy set " + name + ": KEY=VALUE is missing");
                }
                set(policies, name, settings, session.report());
            }
            case "unset" -> {
                if (settings.isEmpty()) {
                    throw CommandException.usage("policy unset " + name + ": KEY is missing");
                }
                settings.forEach(key -> policies.unset(name, key));
            }
            case "rm" -> {
                if (!settings.isEmpty()) {
                    throw CommandException.usage("policy rm takes one name");
                }
                policies.remove(name);
            }
            default ->
                throw CommandException.usage("policy " + words.getFirst() + "? There are add, set, unset, rm and show");
        }
        policies.save();
        return ExitCode.OK;
    }

    private static void set(PoliciesFile policies, String name, List<String> settings, Report report) {
        for (String setting : settings) {
            int equals = setting.indexOf('=');
            if (equals < 1) {
                throw CommandException.usage("\"" + setting + "\" is not KEY=VALUE");
            }
            policies.set(name, setting.substring(0, equals), setting.substring(equals + 1), report);
        }
    }

    private static void show(PoliciesFile policies, List<String> named, Report report) {
        List<String> names = new ArrayList<>(named.isEmpty() ? policies.names() : named);
        for (String name : names) {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put(name, policies.tree(name));
            report.result(YamlFiles.text(tree).stripTrailing(), "policy", "name", name, "policy", policies.tree(name));
        }
    }
}
