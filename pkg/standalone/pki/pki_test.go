// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func testConfig(t *testing.T) Config {
	dir := t.TempDir()
	return Config{
		Dir:        filepath.Join(dir, "pki"),
		Hosts:      []string{"192.0.2.7", "virt.example"},
		Kubeconfig: filepath.Join(dir, "kubeconfig"),
		ServerURL:  "https://127.0.0.1:6443",
	}
}

func ensured(t *testing.T, cfg Config) Files {
	t.Helper()
	files, err := Ensure(cfg)
	require.NoError(t, err)
	return files
}

// contents returns all that cfg has on disk, by name.
func contents(t *testing.T, cfg Config) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{caCertName, caKeyName, servingName, adminName} {
		content, err := os.ReadFile(filepath.Join(cfg.Dir, name))
		require.NoError(t, err)
		all[name] = string(content)
	}
	content, err := os.ReadFile(cfg.Kubeconfig)
	require.NoError(t, err)
	all["kubeconfig"] = string(content)
	return all
}

func changed(before, after map[string]string) []string {
	var names []string
	for name, content := range after {
		if before[name] != content {
			names = append(names, name)
		}
	}
	return names
}

func leaf(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(file, file)
	require.NoError(t, err)
	return pair.Leaf
}

func TestRestartChangesNothing(t *testing.T) {
	cfg := testConfig(t)
	ensured(t, cfg)
	before := contents(t, cfg)
	ensured(t, cfg)
	assert.Empty(t, changed(before, contents(t, cfg)))
}

func TestOnlyTheOwnerReadsKeys(t *testing.T) {
	cfg := testConfig(t)
	ensured(t, cfg)
	info, err := os.Stat(cfg.Dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	for _, file := range []string{filepath.Join(cfg.Dir, caKeyName), filepath.Join(cfg.Dir, servingName),
		filepath.Join(cfg.Dir, adminName), cfg.Kubeconfig} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
}

func TestServingCertificateNamesEveryHost(t *testing.T) {
	cfg := testConfig(t)
	files := ensured(t, cfg)
	hostname, err := os.Hostname()
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "::1", "localhost", hostname, "192.0.2.7", "virt.example"} {
		assert.NoError(t, leaf(t, files.Serving).VerifyHostname(host))
	}
	assert.Error(t, leaf(t, files.Serving).VerifyHostname("other.example"))
}

func TestUnspecifiedAddressStandsForEachInterface(t *testing.T) {
	own, err := interfaceAddresses()
	require.NoError(t, err)
	h, err := servingHosts([]string{"0.0.0.0"})
	require.NoError(t, err)
	for _, address := range own {
		assert.True(t, containsIP(h.addresses, address), address)
	}
	assert.False(t, containsIP(h.addresses, net.IPv4zero))
}

func containsIP(all []net.IP, one net.IP) bool {
	for _, ip := range all {
		if ip.Equal(one) {
			return true
		}
	}
	return false
}

func TestNewHostRenewsTheServingCertificateAlone(t *testing.T) {
	cfg := testConfig(t)
	ensured(t, cfg)
	before := contents(t, cfg)
	cfg.Hosts = append(cfg.Hosts, "new.example")
	files := ensured(t, cfg)
	assert.Equal(t, []string{servingName}, changed(before, contents(t, cfg)))
	assert.NoError(t, leaf(t, files.Serving).VerifyHostname("new.example"))
}

func TestCertificatesNearTheirEndAreRenewedAndTheAuthorityIsKept(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, os.Mkdir(cfg.Dir, 0o700))
	root, err := os.OpenRoot(cfg.Dir)
	require.NoError(t, err)
	old, err := loadOrCreateAuthority(root, time.Now().Add(-leafLifetime*3/4))
	require.NoError(t, err)
	_, err = old.ensureLeaf(root, adminName, adminTemplate())
	require.NoError(t, err)
	oldAdmin := leaf(t, filepath.Join(cfg.Dir, adminName))

	ensured(t, cfg)
	assert.Greater(t, leaf(t, filepath.Join(cfg.Dir, adminName)).NotAfter, oldAdmin.NotAfter)
	assert.Equal(t, string(old.certPEM()), contents(t, cfg)[caCertName])
}

func TestNoCertificateOutlivesItsAuthority(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	_, err = loadOrCreateAuthority(root, time.Now().Add(-authorityLifetime+time.Hour))
	require.NoError(t, err)
	ca, err := loadOrCreateAuthority(root, time.Now())
	require.NoError(t, err)
	pem, err := ca.sign(adminTemplate())
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(pem, pem)
	require.NoError(t, err)
	assert.Equal(t, ca.cert.NotAfter, pair.Leaf.NotAfter)
}

func TestDamagedAuthorityIsNotReplaced(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, cfg Config){
		"key is missing": func(t *testing.T, cfg Config) {
			require.NoError(t, os.Remove(filepath.Join(cfg.Dir, caKeyName)))
		},
		"certificate is cut short": func(t *testing.T, cfg Config) {
			require.NoError(t, os.Truncate(filepath.Join(cfg.Dir, caCertName), 20))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			ensured(t, cfg)
			damage(t, cfg)
			_, err := Ensure(cfg)
			require.ErrorContains(t, err, "restore")
			require.ErrorContains(t, err, cfg.Dir)
		})
	}
}

func TestExpiredAuthorityIsReported(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	_, err = loadOrCreateAuthority(root, time.Now().Add(-authorityLifetime-time.Hour))
	require.NoError(t, err)
	_, err = loadOrCreateAuthority(root, time.Now())
	require.ErrorContains(t, err, "expired on")
}

func TestDamagedLeafIsMadeAnew(t *testing.T) {
	cfg := testConfig(t)
	files := ensured(t, cfg)
	require.NoError(t, os.Truncate(files.Serving, 100))
	ensured(t, cfg)
	leaf(t, files.Serving)
}

func TestKubeconfigReachesTheServer(t *testing.T) {
	cfg := testConfig(t)
	files := ensured(t, cfg)
	server, names := serve(t, files)
	cfg.ServerURL = server
	ensured(t, cfg)

	config, err := clientcmd.BuildConfigFromFlags("", cfg.Kubeconfig)
	require.NoError(t, err)
	client, err := rest.HTTPClientFor(config)
	require.NoError(t, err)
	response, err := client.Get(config.Host)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	subject := (<-names).Subject
	assert.Equal(t, "kubernetes-admin", subject.CommonName)
	assert.Equal(t, []string{"system:masters"}, subject.Organization)
}

// serveAnyone answers clients without a certificate.
func serveAnyone(t *testing.T, files Files) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	pair, err := tls.LoadX509KeyPair(files.Serving, files.Serving)
	require.NoError(t, err)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// serve answers clients of the authority and passes on the certificate that each showed.
func serve(t *testing.T, files Files) (url string, shown <-chan *x509.Certificate) {
	t.Helper()
	certificates := make(chan *x509.Certificate, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		certificates <- r.TLS.PeerCertificates[0]
	}))
	pair, err := tls.LoadX509KeyPair(files.Serving, files.Serving)
	require.NoError(t, err)
	ca, err := os.ReadFile(files.CA)
	require.NoError(t, err)
	clients := x509.NewCertPool()
	require.True(t, clients.AppendCertsFromPEM(ca))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, certificates
}

func TestKubeconfigKeepsItsOwnersChoices(t *testing.T) {
	cfg := testConfig(t)
	ensured(t, cfg)
	config, err := clientcmd.LoadFromFile(cfg.Kubeconfig)
	require.NoError(t, err)
	assert.Equal(t, "default", config.Contexts[config.CurrentContext].Namespace)
	config.Contexts[config.CurrentContext].Namespace = "mine"
	require.NoError(t, clientcmd.WriteToFile(*config, cfg.Kubeconfig))

	ensured(t, cfg)
	config, err = clientcmd.LoadFromFile(cfg.Kubeconfig)
	require.NoError(t, err)
	assert.Equal(t, "mine", config.Contexts[config.CurrentContext].Namespace)

	cfg.ServerURL = "https://127.0.0.1:7443"
	ensured(t, cfg)
	config, err = clientcmd.LoadFromFile(cfg.Kubeconfig)
	require.NoError(t, err)
	assert.Equal(t, cfg.ServerURL, config.Clusters[clusterName].Server)
}
