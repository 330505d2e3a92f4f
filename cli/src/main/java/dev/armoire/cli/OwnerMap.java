// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.ffi.Accounts;
import dev.armoire.connectors.spi.FileInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;

/** Whom restored files are given to: others than the stored numbers, as flags of {@code restore} say. Thread-safe. */
final class OwnerMap implements UnaryOperator<FileInfo> {
    private static final long MAX_ID = 0xffff_fffeL; // the highest number means "as it is"
    private static final String EVERYBODY = "*";

    /** Someone's number and name; the name is empty when it is not known. */
    private record Account(long id, String name) {}

    private record Rule(String old, Account account) {
        boolean fits(Account stored) {
            return old.equals(EVERYBODY) || old.equals(stored.name) || old.equals(Long.toString(stored.id));
        }
    }

    /** Users, or groups. */
    private static final class Kind {
        private final List<Rule> rules = new ArrayList<>();
        private final boolean goesByNames;
        private final ToLongFunction<String> lookup;
        private final Map<Account, Account> known = new ConcurrentHashMap<>();

        Kind(Flags.Arguments arguments, String flag, boolean goesByNames, ToLongFunction<String> lookup) {
            this.goesByNames = goesByNames;
            this.lookup = lookup;
            for (String text : arguments.all(flag)) {
                int colon = text.lastIndexOf(':');
                if (colon <= 0 || colon == text.length() - 1) {
                    throw CommandException.usage("-" + flag + " " + text + ": OLD:NEW is wanted, such as 1000:anna");
                }
                rules.add(new Rule(text.substring(0, colon), here(text.substring(colon + 1), flag)));
            }
        }

        private Account here(String text, String flag) {
            if (text.matches("[0-9]{1,10}")) {
                long id = Long.parseLong(text);
                if (id <= MAX_ID) {
                    return new Account(id, "");
                }
            } else {
                long id = lookup.applyAsLong(text);
                if (id >= 0) {
                    return new Account(id, text);
                }
            }
            throw CommandException.usage(
                    "-" + flag + ": " + text + ": nobody is called so on this machine, and it is no number");
        }

        Account map(Account stored) {
            return known.computeIfAbsent(stored, this::find);
        }

        private Account find(Account stored) {
            for (Rule rule : rules) {
                if (rule.fits(stored)) {
                    return rule.account;
                }
            }
            long id = goesByNames && !stored.name.isEmpty() ? lookup.applyAsLong(stored.name) : -1;
            return id >= 0 ? new Account(id, stored.name) : stored;
        }
    }

    private final Kind users;
    private final Kind groups;

    private OwnerMap(Kind users, Kind groups) {
        this.users = users;
        this.groups = groups;
    }

    /** What the flags ask for. */
    static UnaryOperator<FileInfo> of(Flags.Arguments arguments) {
        String owners = arguments.get("owners", "numbers");
        if (!owners.equals("numbers") && !owners.equals("names")) {
            throw CommandException.usage("-owners " + owners + ": numbers or names is wanted");
        }
        boolean goesByNames = owners.equals("names");
        if (!goesByNames && !arguments.has("map-user") && !arguments.has("map-group")) {
            return UnaryOperator.identity();
        }
        return new OwnerMap(
                new Kind(arguments, "map-user", goesByNames, Accounts::user),
                new Kind(arguments, "map-group", goesByNames, Accounts::group));
    }

    @Override
    public FileInfo apply(FileInfo info) {
        Account user = users.map(new Account(info.uid(), info.username()));
        Account group = groups.map(new Account(info.gid(), info.groupname()));
        return info.withOwner(user.id, user.name, group.id, group.name);
    }
}
