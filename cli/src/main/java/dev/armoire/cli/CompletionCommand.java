// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.List;

/** {@code completion}: a script that makes a shell complete the words of this program. */
final class CompletionCommand implements Command {
    @Override
    public String usage() {
        return "completion bash|zsh|fish";
    }

    @Override
    public String description() {
        return """
            Prints a script for the shell that completes commands, flags, their values, paths
            and the @NAMES of the configuration. It runs this program for nothing.

            bash: armoire completion bash > ~/.local/share/bash-completion/completions/armoire
                  or, without the package bash-completion, `source` it in ~/.bashrc
            zsh:  armoire completion zsh > DIR/_armoire, for a DIR of $fpath
            fish: armoire completion fish > ~/.config/fish/completions/armoire.fish""";
    }

    @Override
    public void declare(Flags flags) {
        // none
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) {
        List<String> words = arguments.words();
        if (words.size() != 1) {
            throw CommandException.usage("completion for which shell? There are bash, zsh and fish");
        }
        List<CommandModel> commands = CommandModel.all();
        String script =
                switch (words.getFirst()) {
                    case "bash" -> BashCompletion.script(commands);
                    case "zsh" -> ZshCompletion.script(commands);
                    case "fish" -> FishCompletion.script(commands);
                    default ->
                        throw CommandException.usage(
                                "no completion for " + words.getFirst() + ": there are bash, zsh and fish");
                };
        script.lines().forEach(line -> session.report().result(line, "completion", "text", line));
        return ExitCode.OK;
    }
}
