// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A table of a Markdown page. Rows that are shorter than the head end in empty cells. */
public final class Table {
    private final List<String> head;
    private final List<List<String>> rows = new ArrayList<>();

    public Table(List<String> head) {
        this.head = List.copyOf(head);
    }

    /** Adds a row at the end. */
    public void add(List<String> cells) {
        rows.add(List.copyOf(cells));
    }

    /** The lines of the table, each ended by a line feed. */
    public String markdown() {
        var text = new StringBuilder();
        line(text, head);
        line(text, Collections.nCopies(head.size(), "---"));
        rows.forEach(row -> line(text, row));
        return text.toString();
    }

    private void line(StringBuilder text, List<String> cells) {
        for (int i = 0; i < head.size(); i++) {
            text.append(i == 0 ? "| " : " | ")
                    .append(i < cells.size() ? cells.get(i).replace("|", "\\|") : "");
        }
        text.append(" |\n");
    }

    /** A cell that is the best of its row. */
    public static String winner(String cell) {
        return "**" + cell + "**";
    }
}
