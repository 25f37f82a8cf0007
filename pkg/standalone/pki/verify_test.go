// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// opensslVerifies reports what OpenSSL, on which curl, Python and Node are built, says of a certificate. The
// strict rules are the default of Python 3.13.
func opensslVerifies(t *testing.T, purpose, ca, cert string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", "verify", "-x509_strict", "-purpose", purpose,
		"-CAfile", ca, cert).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

func TestOpenSSLVerifiesEachCertificate(t *testing.T) {
	cfg := testConfig(t)
	files := ensured(t, cfg)
	opensslVerifies(t, "sslserver", files.CA, files.Serving)
	opensslVerifies(t, "sslclient", files.CA, filepath.Join(cfg.Dir, adminName))
}

// TestOtherClientsVerifyTheServer has clients that people write scripts with ask a server with such a certificate.
func TestOtherClientsVerifyTheServer(t *testing.T) {
	files := ensured(t, testConfig(t))
	url := serveAnyone(t, files)
	for name, command := range map[string][]string{
		"curl": {"curl", "-sS", "--noproxy", "*", "--cacert", files.CA, url},
		"node": {"node", "-e", `require("https").get(process.argv[1], {ca: require("fs").readFileSync(process.argv[2])},
			r => r.resume()).on("error", e => { console.error(e); process.exit(1) })`, url, files.CA},
		"python": {"python3", "-c", `import ssl, sys, urllib.request
c = ssl.create_default_context(cafile=sys.argv[2])
c.verify_flags |= ssl.VERIFY_X509_STRICT
urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=c)).open(sys.argv[1])`,
			url, files.CA},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

func TestEarlierServingCertificateIsReplacedAlone(t *testing.T) {
	cfg := testConfig(t)
	files := ensured(t, cfg)
	before := contents(t, cfg)
	replaceByEarlierServing(t, cfg)

	ensured(t, cfg)
	assert.Equal(t, []string{servingName}, changed(before, contents(t, cfg)))
	opensslVerifies(t, "sslserver", files.CA, files.Serving)
}

// replaceByEarlierServing writes the certificate that earlier versions served with: its subject is the
// authority's, and so it names no key of the authority.
func replaceByEarlierServing(t *testing.T, cfg Config) {
	t.Helper()
	root, err := os.OpenRoot(cfg.Dir)
	require.NoError(t, err)
	ca, err := loadOrCreateAuthority(root, time.Now())
	require.NoError(t, err)
	h, err := servingHosts(cfg.Hosts)
	require.NoError(t, err)
	template := servingTemplate(h)
	template.Subject = pkix.Name{CommonName: "virt-apiserver"}
	template.NotBefore, template.NotAfter = ca.now.Add(-clockSkew), ca.now.Add(leafLifetime)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	require.NoError(t, err)
	keyPEM, err := encodeKey(key)
	require.NoError(t, err)
	require.NoError(t, writeFile(root, servingName, append(encodeCert(der), keyPEM...)))
}
