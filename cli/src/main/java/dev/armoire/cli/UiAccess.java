// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.web.WebExchange;
import dev.armoire.cli.web.WebText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Lets in who shows the token: programs in each request, people once, in exchange for a cookie that is good until the end of this
 * process. The token comes in the fragment of the URL, which browsers send to nobody, and which a script on the page that asks
 * for it takes out of the address. Thread-safe.
 */
final class UiAccess {
    private static final int TOKEN_BYTES = 24;
    private static final int MAX_FORM_BYTES = 4 << 10;
    private static final String SCRIPT = """
            const token = new URLSearchParams(location.hash.slice(1)).get('token');
            if (token) {
              history.replaceState(null, '', location.pathname + location.search);
              document.forms[0].token.value = token;
              document.forms[0].submit();
            }
            """;
    private static final String POLICY = UiPage.POLICY + "; script-src " + UiPage.hash(SCRIPT);

    private final byte @Nullable [] token;
    private final boolean isSecure;
    /** Not the token itself: browsers send cookies to all ports of a host, so another server may see it. */
    private final String session = random();
    /** Two of these programs on one machine have one host. */
    private final String cookie = "armoire-" + random().substring(0, 8);

    /**
     * @param token null to let everybody in
     * @param isSecure whether browsers come over TLS
     */
    UiAccess(byte @Nullable [] token, boolean isSecure) {
        this.token = token;
        this.isSecure = isSecure;
    }

    /** A token that nobody can guess. */
    static String random() {
        byte[] bytes = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** Whether a request comes from somebody who has the token. */
    boolean isLetIn(WebExchange exchange) {
        if (token == null) {
            return true;
        }
        String authorization = exchange.header("Authorization");
        if (authorization != null && authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return isToken(authorization.substring(7).strip().getBytes(StandardCharsets.UTF_8));
        }
        String cookies = exchange.header("Cookie");
        if (cookies != null) {
            for (String one : cookies.split(";", -1)) {
                String text = one.strip();
                if (text.startsWith(cookie + '=')
                        && MessageDigest.isEqual(
                                text.substring(cookie.length() + 1).getBytes(StandardCharsets.UTF_8),
                                session.getBytes(StandardCharsets.UTF_8))) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean isToken(byte[] given) {
        byte[] right = token;
        return right != null && MessageDigest.isEqual(given, right);
    }

    /** Answers who has not been let in: takes the token, or asks for it. */
    void ask(WebExchange exchange) throws IOException {
        boolean isAnswer =
                exchange.method().equals("POST") && exchange.rawPath().equals("/login");
        String to = exchange.target();
        if (isAnswer) {
            Map<String, byte[]> form = exchange.form(MAX_FORM_BYTES);
            to = here(new String(form.getOrDefault("to", new byte[0]), StandardCharsets.UTF_8));
            if (isToken(form.getOrDefault("token", new byte[0]))) {
                exchange.set(
                        "Set-Cookie",
                        cookie + '=' + session + "; Path=/; HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : ""));
                exchange.redirect(303, to);
                return;
            }
        }
        exchange.set("Content-Security-Policy", POLICY);
        exchange.set("WWW-Authenticate", "Bearer");
        UiPage page = new UiPage("Token wanted", "<main><h1>Armoire</h1>");
        if (isAnswer || exchange.header("Authorization") != null) {
            page.note("This token is not the one of this process.");
        }
        page.html(
                "<p>To see the snapshots, open the whole address that <code>armoire ui</code> has printed, up to the end"
                        + " of <code>#token=...</code>, or enter what stands behind <code>token=</code> there. Each run of"
                        + " <code>armoire ui</code> has a new one, unless <code>ARMOIRE_UI_TOKEN</code> is set.</p>"
                        + "<form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"to\" value=\""
                        + WebText.escape(here(to))
                        + "\"><label>Token <input name=\"token\" type=\"password\" autocomplete=\"off\" required autofocus></label>"
                        + "<button>Open</button></form><p class=\"soft\">Programs send it as"
                        + " <code>Authorization: Bearer TOKEN</code>.</p><script>"
                        + SCRIPT + "</script>");
        page.send(401, exchange);
    }

    /** Where to go on; never to another site. */
    private static String here(String target) {
        boolean isHere =
                target.matches("/([\\x21-\\x7e&&[^/\\\\]][\\x21-\\x7e&&[^\\\\]]*)?") && !target.equals("/login");
        return isHere ? target : "/";
    }
}
