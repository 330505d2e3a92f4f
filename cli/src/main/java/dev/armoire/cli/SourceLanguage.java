// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What must be known of a language to colour it: how comments and strings begin and end, and its words.
 *
 * @param spans tried in this order
 * @param keywords in lower case where case does not count; none where texts are prose, in which numbers have no colour either
 * @param hasKeys whether lines begin with a name and a colon or an equals sign
 */
record SourceLanguage(List<Span> spans, Set<String> keywords, boolean isCaseSensitive, boolean hasKeys) {
    /** What a piece of text is. */
    enum Kind {
        COMMENT,
        STRING,
        MARKUP
    }

    /**
     * A piece of text that ends where its end is found, or with the line.
     *
     * @param end empty for one that goes to the end of the line
     * @param isMultiline whether it may go over several lines
     */
    record Span(Kind kind, String begin, String end, boolean isMultiline) {}

    private static final Span SLASHES = comment("//", "");
    private static final Span STARS = comment("/*", "*/");
    private static final Span HASH = comment("#", "");
    private static final Span DASHES = comment("--", "");
    private static final Span DOUBLE = string("\"", false);
    private static final Span SINGLE = string("'", false);
    private static final Span BACKTICK = string("`", true);
    private static final Span TRIPLE = string("\"\"\"", true);

    private static final String C_WORDS =
            "auto bool break case catch char class const constexpr continue default delete do"
                    + " double else enum explicit extern false float for friend goto if inline int long namespace new nullptr"
                    + " operator private protected public register return short signed sizeof static static_assert struct switch"
                    + " template this throw true try typedef typename union unsigned using virtual void volatile while"
                    + " include define undef ifdef ifndef endif elif pragma";
    private static final String JAVA_WORDS = "abstract as assert base boolean break byte case catch char checked class"
            + " companion const continue data decimal def default delegate do double else enum event extends false final"
            + " finally fixed float for foreach fun get if implements import in init inner instanceof int interface"
            + " internal is lateinit let lock long match native new null object open operator out override package params"
            + " partial permits private protected public readonly record ref return sealed set short static strictfp string"
            + " struct super suspend switch synchronized this throw throws trait transient true try type typeof using val"
            + " var virtual void volatile when where while with yield async await";
    private static final String SCRIPT_WORDS =
            "abstract any as async await boolean break case catch class const continue"
                    + " debugger declare default delete do echo else enum export extends false finally for from function if"
                    + " implements import in instanceof interface keyof let namespace new null number of private protected public"
                    + " readonly return set static string super switch this throw true try type typeof undefined unknown var void"
                    + " while with yield use foreach require";
    private static final String GO_WORDS =
            "break case chan const continue default defer else fallthrough false for func go"
                    + " goto if import interface map nil package range return select struct switch true type var string int int64"
                    + " bool byte error";
    private static final String RUST_WORDS =
            "as async await break const continue crate dyn else enum extern false fn for if"
                    + " impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use"
                    + " where while guard func protocol extension import init nil var class switch case default";
    private static final String PYTHON_WORDS =
            "False None True and as assert async await break class continue def del elif"
                    + " else except finally for from global if import in is lambda match nonlocal not or pass raise return try while"
                    + " with yield self";
    private static final String RUBY_WORDS =
            "alias and begin break case class def do else elsif end ensure false for if in"
                    + " module my next nil not or our package redo require rescue retry return self sub super then true undef unless"
                    + " until use when while yield local function repeat";
    private static final String SHELL_WORDS = "case do done elif else esac exit export fi for function if in local read"
            + " readonly return select set shift source then trap unset until while FROM RUN COPY ADD CMD ENTRYPOINT ENV ARG"
            + " WORKDIR EXPOSE USER VOLUME LABEL ifeq ifneq ifdef ifndef endif include define endef";
    private static final String SQL_WORDS =
            "add all alter and as asc begin between by case check column commit constraint"
                    + " create cross database default delete desc distinct drop else end exists false foreign from full group having"
                    + " if in index inner insert into is join key left like limit not null offset on or order outer primary"
                    + " references right rollback select set table then true union unique update using values view when where with";

    private static final SourceLanguage C = of(List.of(SLASHES, STARS, DOUBLE, SINGLE), C_WORDS);
    private static final SourceLanguage JAVA = of(List.of(SLASHES, STARS, TRIPLE, DOUBLE, SINGLE), JAVA_WORDS);
    private static final SourceLanguage SCRIPT = of(List.of(SLASHES, STARS, BACKTICK, DOUBLE, SINGLE), SCRIPT_WORDS);
    private static final SourceLanguage GO = of(List.of(SLASHES, STARS, BACKTICK, DOUBLE, SINGLE), GO_WORDS);
    /** No single quotes: they are lifetimes, too. */
    private static final SourceLanguage RUST = of(List.of(SLASHES, STARS, DOUBLE), RUST_WORDS);

    private static final SourceLanguage PYTHON =
            of(List.of(HASH, TRIPLE, string("'''", true), DOUBLE, SINGLE), PYTHON_WORDS);
    private static final SourceLanguage RUBY = of(List.of(HASH, DOUBLE, SINGLE), RUBY_WORDS);
    private static final SourceLanguage LUA = of(List.of(DASHES, DOUBLE, SINGLE), RUBY_WORDS);
    private static final SourceLanguage SHELL = of(List.of(HASH, string("\"", true), string("'", true)), SHELL_WORDS);
    private static final SourceLanguage SQL = new SourceLanguage(
            List.of(DASHES, STARS, DOUBLE, SINGLE), Set.copyOf(Arrays.asList(SQL_WORDS.split(" ", -1))), false, false);
    private static final SourceLanguage MARKUP = new SourceLanguage(
            List.of(comment("<!--", "-->"), new Span(Kind.MARKUP, "<", ">", true)), Set.of(), true, false);
    private static final SourceLanguage CSS = of(List.of(STARS, DOUBLE, SINGLE), "important media import");
    private static final SourceLanguage JSON = of(List.of(SLASHES, STARS, DOUBLE), "true false null");
    private static final SourceLanguage KEYS = new SourceLanguage(
            List.of(HASH, comment(";", ""), DOUBLE, SINGLE), Set.of("true", "false", "null", "yes", "no"), true, true);

    private static final Map<String, SourceLanguage> BY_ENDING = byEnding();

    /** By what content types that a backup has found mean; most are of names. */
    private static final Map<String, SourceLanguage> BY_TYPE = Map.of(
            "text/x-python", PYTHON,
            "text/x-perl", RUBY,
            "text/x-lua", LUA,
            "text/x-shellscript", SHELL,
            "text/x-sh", SHELL,
            "application/json", JSON,
            "text/xml", MARKUP,
            "text/html", MARKUP,
            "image/svg+xml", MARKUP);

    private static Map<String, SourceLanguage> byEnding() {
        Map<String, SourceLanguage> languages = new HashMap<>();
        put(languages, C, "c h cc hh cpp hpp cxx hxx m mm ino glsl cu");
        put(languages, JAVA, "java kt kts scala groovy gradle cs dart");
        put(languages, SCRIPT, "js mjs cjs ts tsx jsx vue php proto");
        put(languages, GO, "go");
        put(languages, RUST, "rs swift zig");
        put(languages, PYTHON, "py pyi pyw");
        put(languages, RUBY, "rb pl pm r jl ex exs nix");
        put(languages, LUA, "lua hs elm adb ads");
        put(languages, SHELL, "sh bash zsh ksh fish mk makefile dockerfile cmake bashrc profile zshrc");
        put(languages, SQL, "sql");
        put(languages, MARKUP, "xml html htm xhtml svg xsd xsl pom");
        put(languages, CSS, "css scss less");
        put(languages, JSON, "json jsonl json5 geojson");
        put(languages, KEYS, "yml yaml toml ini conf cfg properties desktop service timer env tf hcl");
        return languages;
    }

    private static void put(Map<String, SourceLanguage> languages, SourceLanguage language, String endings) {
        for (String ending : endings.split(" ", -1)) {
            languages.put(ending, language);
        }
    }

    private static Span comment(String begin, String end) {
        return new Span(Kind.COMMENT, begin, end, !end.isEmpty());
    }

    private static Span string(String quotes, boolean isMultiline) {
        return new Span(Kind.STRING, quotes, quotes, isMultiline);
    }

    private static SourceLanguage of(List<Span> spans, String words) {
        return new SourceLanguage(spans, Set.copyOf(Arrays.asList(words.split(" ", -1))), true, false);
    }

    /** The language of a file, or null when it is none of these. */
    static @Nullable SourceLanguage of(String name, String contentType) {
        String lower = name.toLowerCase(Locale.ROOT);
        String ending = lower.substring(lower.lastIndexOf('.') + 1);
        SourceLanguage known = BY_ENDING.get(ending);
        if (known != null) {
            return known;
        }
        int parameters = contentType.indexOf(';');
        return BY_TYPE.get(parameters < 0 ? contentType : contentType.substring(0, parameters));
    }
}
