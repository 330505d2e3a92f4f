// SPDX-License-Identifier: ISC
/**
 * Stores in a bucket of an S3 service, in Plakar's layout and with the settings of its plug-in. The AWS SDK is seen here
 * only, and its classes are loaded when such a store is used.
 */
@NullMarked
package dev.armoire.connectors.storage.s3;

import org.jspecify.annotations.NullMarked;
