// SPDX-License-Identifier: Apache-2.0

// Package httpsource reads an image from an HTTP server, as the bytes that are
// transferred. It keeps secrets on their host, notices when nothing arrives
// any more, and picks a transfer up where its connection was cut if the server
// can do that. What the bytes mean is not its business.
package httpsource
