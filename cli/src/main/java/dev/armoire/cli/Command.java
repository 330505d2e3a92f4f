// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;

/** One command: what it takes, what it says of itself, what it does. Made anew for each run. */
interface Command {
    /** The lines that show how it is called, without the program's name. */
    String usage();

    /** What a person should know before using it, in lines of at most 80 columns. */
    String description();

    void declare(Flags flags);

    /**
     * Does the work.
     *
     * @return the exit code
     */
    int run(Session session, Flags.Arguments arguments) throws IOException;

    /** What is true when the work was interrupted. */
    default String interrupted() {
        return "interrupted";
    }
}
