// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommandLineTextTest {
    @ParameterizedTest
    @CsvSource({
        "backup -tag a /x, armoire backup -tag a /x",
        "backup -o secret_key=abc /x, armoire backup -o secret_key=*** /x",
        "backup --o=secret_key=abc /x, armoire backup --o=secret_key=*** /x",
        "backup -o -o=x /x, armoire backup -o -o=*** /x",
        "-keyfile /root/key backup, armoire -keyfile *** backup",
        "-keyfile=/root/key backup, armoire -keyfile=*** backup",
        "at sftp://me:word@host/p backup, armoire at sftp://me:***@host/p backup",
        "backup https://host/a?sig=b, armoire backup https://host/a?***",
    })
    void secretsAreHidden(String line, String kept) {
        assertThat(CommandLineText.of(List.of(line.split(" ")))).isEqualTo(kept);
    }
}
