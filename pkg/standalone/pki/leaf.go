// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"time"
)

// hosts are the names of a certificate that serves, sorted.
type hosts struct {
	names     []string
	addresses []net.IP
}

// servingTemplate has another subject than the authority: clients on OpenSSL take a certificate whose issuer
// is its own subject for one that signed itself, and refuse it.
func servingTemplate(h hosts) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "virt-apiserver-serving"},
		DNSNames:    h.names,
		IPAddresses: h.addresses,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func adminTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kubernetes-admin", Organization: []string{"system:masters"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// servingHosts adds to the given names and addresses those that every server has.
func servingHosts(given []string) (hosts, error) {
	var h hosts
	hostname, err := os.Hostname()
	if err != nil {
		return h, err
	}
	for _, host := range append([]string{"127.0.0.1", "::1", "localhost", hostname}, given...) {
		ip := net.ParseIP(host)
		switch {
		case ip == nil && host != "":
			h.names = append(h.names, host)
		case ip.IsUnspecified():
			addresses, err := interfaceAddresses()
			if err != nil {
				return h, err
			}
			h.addresses = append(h.addresses, addresses...)
		case ip != nil:
			h.addresses = append(h.addresses, ip)
		}
	}
	slices.Sort(h.names)
	h.names = slices.Compact(h.names)
	slices.SortFunc(h.addresses, compareIP)
	h.addresses = slices.CompactFunc(h.addresses, net.IP.Equal)
	return h, nil
}

func compareIP(a, b net.IP) int { return slices.Compare(a.To16(), b.To16()) }

func interfaceAddresses() ([]net.IP, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the addresses of this host: %w", err)
	}
	var found []net.IP
	for _, address := range all {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			found = append(found, network.IP)
		}
	}
	return found, nil
}

// ensureLeaf returns the named certificate and its key in PEM form, renewed if need be.
func (a *authority) ensureLeaf(root *os.Root, name string, template *x509.Certificate) ([]byte, error) {
	stored, err := root.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if a.fits(stored, template) {
		return stored, nil
	}
	fresh, err := a.sign(template)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return fresh, writeFile(root, name, fresh)
}

// fits reports whether a stored certificate is what template asks for and has a third of its life before it.
func (a *authority) fits(stored []byte, template *x509.Certificate) bool {
	pair, err := tls.X509KeyPair(stored, stored)
	if err != nil {
		return false
	}
	cert := pair.Leaf
	addresses := slices.SortedFunc(slices.Values(cert.IPAddresses), compareIP)
	return cert.CheckSignatureFrom(a.cert) == nil &&
		bytes.Equal(cert.AuthorityKeyId, a.cert.SubjectKeyId) &&
		a.now.After(cert.NotBefore) &&
		a.now.Add(leafLifetime/3).Before(cert.NotAfter) &&
		cert.Subject.String() == template.Subject.String() &&
		slices.Equal(slices.Sorted(slices.Values(cert.DNSNames)), template.DNSNames) &&
		slices.EqualFunc(addresses, template.IPAddresses, net.IP.Equal)
}

func (a *authority) sign(template *x509.Certificate) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	if template.SubjectKeyId, err = keyID(&key.PublicKey); err != nil {
		return nil, err
	}
	template.NotBefore = a.now.Add(-clockSkew)
	template.NotAfter = earlier(a.now.Add(leafLifetime), a.cert.NotAfter)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return append(encodeCert(der), keyPEM...), nil
}

// keyID identifies a key in the way of RFC 7093, section 2, method 1. The library does so for authorities alone.
func keyID(key *ecdsa.PublicKey) ([]byte, error) {
	point, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("identify a key: %w", err)
	}
	sum := sha256.Sum256(point)
	return sum[:20], nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
