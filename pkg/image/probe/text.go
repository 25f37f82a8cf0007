// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"mime"
	"net/http"
	"strings"
)

// textKind describes head if it is a document, such as the page that a server
// sends with status 200 in place of an image. The rules are those by which
// browsers tell text from data: the first sector of a disk that is not empty
// all but always holds bytes that no text has.
func textKind(head []byte) string {
	mediaType, _, err := mime.ParseMediaType(http.DetectContentType(head))
	if err != nil || !strings.HasPrefix(mediaType, "text/") {
		return ""
	}
	switch mediaType {
	case "text/html":
		return "an HTML page"
	case "text/xml":
		return "an XML document"
	}
	return "a text document"
}
