// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import java.net.URI;
import java.net.http.HttpHeaders;
import org.jspecify.annotations.Nullable;

/**
 * What a server answered.
 *
 * @param uri whose answer it is: the one that was asked for, or where redirects have led to
 */
record Answer(int status, HttpHeaders headers, Body body, URI uri) {
    @Nullable
    String header(String name) {
        return headers.firstValue(name).orElse(null);
    }

    /** The length that the server says the body has, or -1. Not to be relied on. */
    long contentLength() {
        String text = header("Content-Length");
        return text != null && text.matches("[0-9]{1,18}") ? Long.parseLong(text) : -1;
    }
}
