// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

func TestParseURLAcceptsHTTPOnly(t *testing.T) {
	t.Parallel()
	for raw, message := range map[string]string{
		"http://host/disk.qcow2":       "",
		"https://u:p@host:8443/d?a=b":  "",
		"http://[::1]:80/disk":         "",
		"":                             "empty",
		"host/disk":                    "invalid source URL",
		"/disk":                        "scheme",
		"ftp://host/disk":              "scheme",
		"file:///etc/passwd":           "scheme",
		"http:///disk":                 "no host",
		"http://:80/disk":              "no host",
		"http://me:hunter2@ho st/disk": "invalid source URL",
	} {
		_, err := source.ParseURL(raw)
		if message == "" {
			require.NoError(t, err, raw)
			continue
		}
		require.ErrorContains(t, err, message, raw)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestParseChecksumChecksAlgorithmAndLength(t *testing.T) {
	t.Parallel()
	for s, message := range map[string]string{
		"md5:" + strings.Repeat("0a", 16):    "",
		"sha1:" + strings.Repeat("0a", 20):   "",
		"sha256:" + strings.Repeat("0a", 32): "",
		"SHA512:" + strings.Repeat("0A", 64): "",
		"":                                   "want algorithm:hex",
		strings.Repeat("0a", 32):             "want algorithm:hex",
		"crc32:01020304":                     "unknown algorithm",
		"sha256:" + strings.Repeat("0a", 31): "64 hexadecimal digits, not 62",
		"sha256:" + strings.Repeat("0g", 32): "not hexadecimal",
	} {
		sum, err := source.ParseChecksum(s)
		if message != "" {
			require.ErrorContains(t, err, message, s)
			continue
		}
		require.NoError(t, err, s)
		require.Equal(t, strings.ToLower(s), sum.String())
		require.False(t, sum.Matches(sum.Hash().Sum(nil)))
	}
}

func TestParseHeaderRefusesInjectionAndReservedNames(t *testing.T) {
	t.Parallel()
	for line, message := range map[string]string{
		"X-Api-Key: hunter2":        "",
		"x-empty:":                  "",
		"no colon hunter2":          "no colon",
		": hunter2":                 "header name",
		"X Y: hunter2":              "header name",
		"X: hunter2\r\nY: z":        "does not allow",
		"range: bytes=0-5":          "set by the importer",
		"Transfer-Encoding: hunter": "set by the importer",
	} {
		_, _, err := source.ParseHeader(line)
		if message == "" {
			require.NoError(t, err, line)
			continue
		}
		require.ErrorContains(t, err, message, line)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestValidateNamesTheField(t *testing.T) {
	t.Parallel()
	const url = "http://host/disk"
	require.NoError(t, source.HTTP{URL: url}.Validate())
	require.ErrorContains(t, source.HTTP{}.Validate(), "url: ")
	require.ErrorContains(t, source.HTTP{URL: url, ExtraHeaders: []string{"A: b", "c"}}.Validate(), "extraHeaders[1]: ")
	require.ErrorContains(t, source.HTTP{URL: url, CACert: "c"}.Validate(), "caCert: ")
	require.ErrorContains(t, source.HTTP{URL: url, Checksum: "c"}.Validate(), "checksum: ")
}
