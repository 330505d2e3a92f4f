// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MsgpackTest {
    private static final FieldNames NAMES = FieldNames.of("one", "two", "six");

    private static String written(Consumer<MsgpackWriter> writing) {
        var out = new MsgpackWriter();
        writing.accept(out);
        assertThat(Vectors.hex(out.written())).isEqualTo(HexFormat.of().formatHex(out.toByteArray()));
        return Vectors.hex(out.written());
    }

    private static MsgpackReader reader(String hex) {
        return new MsgpackReader(Vectors.segment(hex), "test");
    }

    @ParameterizedTest
    @CsvSource({
        "0,0,d6ff00000000",
        "1700000000,0,d6ff6553f100",
        "1700000000,123456789,d7ff1d6f34546553f100",
        "-1,0,c70cff00000000ffffffffffffffff",
        "-1,500000000,c70cff1dcd6500ffffffffffffffff",
        "-62135596800,0,c70cff00000000fffffff1886e0900",
        "4294967296,0,d7ff0000000100000000",
        "17179869184,0,c70cff000000000000000400000000",
        "1767323045,678901234,d7ffa1dcd7c8695735a5",
        "1767323045,0,d6ff695735a5",
    })
    void timesTakeGosForms(long seconds, int nanos, String hex) {
        assertThat(written(out -> out.time(seconds, nanos))).isEqualTo(hex);
        MsgpackReader in = reader(hex);
        in.time();
        assertThat(in.timeSeconds()).isEqualTo(seconds);
        assertThat(in.timeNanos()).isEqualTo(nanos);
        assertThat(in.atEnd()).isTrue();
        MsgpackReader skipping = reader(hex);
        skipping.skip();
        assertThat(skipping.atEnd()).isTrue();
    }

    @Test
    void integersTakeTheWidthOfTheirGoType() {
        assertThat(written(out -> out.u8(0))).isEqualTo("cc00");
        assertThat(written(out -> out.u16(1))).isEqualTo("cd0001");
        assertThat(written(out -> out.u32(65_536))).isEqualTo("ce00010000");
        assertThat(written(out -> out.u64(12))).isEqualTo("cf000000000000000c");
        assertThat(written(out -> out.i64(12))).isEqualTo("d3000000000000000c");
        assertThat(written(out -> out.i64(-1))).isEqualTo("d3ffffffffffffffff");
        assertThat(written(out -> out.f64(0))).isEqualTo("cb0000000000000000");
        assertThat(written(out -> out.f64(8))).isEqualTo("cb4020000000000000");
        assertThat(written(out -> out.nil().bool(true).bool(false))).isEqualTo("c0c3c2");
    }

    @ParameterizedTest
    @CsvSource({
        "50,32",
        "0,00",
        "127,7f",
        "128,cc80",
        "255,ccff",
        "256,cd0100",
        "65535,cdffff",
        "65536,ce00010000",
        "4294967295,ceffffffff",
        "4294967296,cf0000000100000000",
        "-1,ff",
        "-32,e0",
        "-33,d0df",
        "-128,d080",
        "-129,d1ff7f",
        "-32768,d18000",
        "-32769,d2ffff7fff",
        "-2147483648,d280000000",
        "-2147483649,d3ffffffff7fffffff",
    })
    void goIntIsCompact(long value, String hex) {
        assertThat(written(out -> out.compactInt(value))).isEqualTo(hex);
        assertThat(reader(hex).integer()).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536, 100_000})
    void lengthsRoundTripAtEveryHeader(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 'x');
        String text = "x".repeat(length);
        assertThat(written(out -> out.str(text))).isEqualTo(written(out -> out.str(bytes)));
        MsgpackWriter out = new MsgpackWriter();
        out.str(bytes).bin(bytes).bin(MemorySegment.ofArray(bytes)).arrayHeader(length);
        for (int i = 0; i < length; i++) {
            out.nil();
        }
        out.mapHeader(length);
        for (int i = 0; i < 2 * length; i++) {
            out.nil();
        }
        var in = new MsgpackReader(out.written(), "test");
        assertThat(in.string()).isEqualTo(text);
        assertThat(in.bytes()).isEqualTo(bytes);
        assertThat(in.slice().byteSize()).isEqualTo(length);
        long before = in.position();
        assertThat(in.arrayHeader()).isEqualTo(length);
        for (int i = 0; i < length; i++) {
            assertThat(in.tryNil()).isTrue();
        }
        assertThat(in.mapHeader()).isEqualTo(length);
        var skipping = new MsgpackReader(out.written().asSlice(before), "test");
        skipping.skip();
        skipping.skip();
        assertThat(skipping.atEnd()).isTrue();
    }

    @Test
    void stringsKeepAnyBytes() {
        byte[] notUtf8 = {(byte) 0xff, 0, (byte) 0xc3};
        assertThat(written(out -> out.str(notUtf8))).isEqualTo("a3ff00c3");
        assertThat(reader("a3ff00c3").bytes()).isEqualTo(notUtf8);
        assertThat(written(out -> out.str("é"))).isEqualTo("a2c3a9");
        assertThat(reader("a2c3a9").string()).isEqualTo("é");
    }

    @Test
    void readsWhatGoWouldRead() {
        for (String twelve : new String[] {
            "0c",
            "cc0c",
            "cd000c",
            "ce0000000c",
            "cf000000000000000c",
            "d00c",
            "d1000c",
            "d20000000c",
            "d3000000000000000c"
        }) {
            assertThat(reader(twelve).integer()).isEqualTo(12);
            assertThat(reader(twelve).uint32()).isEqualTo(12);
            assertThat(reader(twelve).f64()).isEqualTo(12.0);
        }
        assertThat(reader("ceffffffff").integer()).isEqualTo(0xffff_ffffL);
        assertThat(reader("ca41400000").f64()).isEqualTo(12.0);
        assertThat(reader("c0").integer()).isZero();
        assertThat(reader("c0").string()).isEmpty();
        assertThat(reader("c0").bool()).isFalse();
        assertThat(reader("c0").mapHeader()).isZero();
        assertThat(reader("c0").arrayHeader()).isZero();
        assertThat(reader("c0").mac()).isEqualTo(Mac.ZERO);
        assertThat(reader("a3616263").bytes()).isEqualTo("abc".getBytes(StandardCharsets.US_ASCII));
        assertThat(reader("c403616263").string()).isEqualTo("abc");
        assertThat(reader("c40101").mac().hex()).isEqualTo("01" + "00".repeat(31));
        assertThat(reader("c420" + "ab".repeat(32)).mac().hex()).isEqualTo("ab".repeat(32));
        assertThat(reader("d920" + "ab".repeat(32)).mac().hex()).isEqualTo("ab".repeat(32));
        assertThat(written(out -> out.mac(Vectors.HELLO))).isEqualTo("c420" + Vectors.HELLO.hex());
        MsgpackReader nilTime = reader("c0");
        nilTime.time();
        assertThat(nilTime.timeSeconds()).isEqualTo(-62_135_596_800L);
        MsgpackReader longForm = reader("c704ff6553f100");
        longForm.time();
        assertThat(longForm.timeSeconds()).isEqualTo(1_700_000_000L);
    }

    @Test
    void fieldsAreFoundByName() {
        MsgpackReader in = reader("a374776fa36f6e65c403736978a374656ec0");
        assertThat(in.field(NAMES)).isEqualTo(1);
        assertThat(in.field(NAMES)).isZero();
        assertThat(in.field(NAMES)).isEqualTo(2);
        assertThat(in.field(NAMES)).isEqualTo(-1);
        assertThat(in.field(NAMES)).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "cd00",
                "a5616263",
                "c4",
                "c6ffffffff00",
                "dbffffffff",
                "ddffffffff00",
                "dfffffffff0000",
                "8200",
                "c1",
                "c9ffffffff",
                "d7ff00",
                "c70dff00",
                "9fc0"
            })
    void skippingWhatIsNotThereIsCorrupt(String hex) {
        assertThatThrownBy(() -> reader(hex).skip())
                .isInstanceOf(CorruptDataException.class)
                .hasMessageStartingWith("test, byte ");
    }

    @Test
    void wrongTypesAreCorrupt() {
        assertThatThrownBy(() -> reader("a0").integer()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("01").string()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("01").bool()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("01").mapHeader()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("01").arrayHeader()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("01").time()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("d60000000000").time()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("d7ffffffffff00000000").time()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("c421" + "00".repeat(33)).mac()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("cf0000000100000000").uint32()).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> reader("ff").uint32()).isInstanceOf(CorruptDataException.class);
    }

    @Test
    void depthCostsNothing() {
        byte[] nested = new byte[1_000_000];
        Arrays.fill(nested, (byte) 0x91);
        nested[nested.length - 1] = (byte) 0xc0;
        var in = new MsgpackReader(MemorySegment.ofArray(nested), "test");
        in.skip();
        assertThat(in.atEnd()).isTrue();
    }

    @Test
    void randomBytesNeverEscapeTheTypedErrors() {
        var random = new Random(5);
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            var in = new MsgpackReader(MemorySegment.ofArray(bytes), "test");
            try {
                while (!in.atEnd()) {
                    in.skip();
                }
            } catch (CorruptDataException e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(1, 19_999);
    }
}
