// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	authorityLifetime = 10 * 365 * 24 * time.Hour
	leafLifetime      = 365 * 24 * time.Hour
	// Of clocks that disagree a little, and of virtual machines that resume.
	clockSkew = time.Hour
)

// authority signs certificates as of one moment.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	now  time.Time
}

func loadOrCreateAuthority(root *os.Root, now time.Time) (*authority, error) {
	certPEM, err := root.ReadFile(caCertName)
	if errors.Is(err, fs.ErrNotExist) {
		return createAuthority(root, now)
	}
	if err != nil {
		return nil, err
	}
	keyPEM, err := root.ReadFile(caKeyName)
	if err != nil {
		return nil, fmt.Errorf("%w: restore it, or remove %s to begin with a new authority that no kubeconfig of before can use",
			err, caCertName)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w: restore both, or remove both to begin with a new authority", caCertName, caKeyName, err)
	}
	if now.After(pair.Leaf.NotAfter) {
		return nil, fmt.Errorf("%s expired on %s: remove it and %s to begin with a new authority, then hand out the new kubeconfig",
			caCertName, pair.Leaf.NotAfter.Format(time.DateOnly), caKeyName)
	}
	return &authority{cert: pair.Leaf, key: pair.PrivateKey.(crypto.Signer), now: now}, nil
}

func createAuthority(root *os.Root, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "virt-apiserver"},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(authorityLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the authority back: %w", err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	ca := &authority{cert: cert, key: key, now: now}
	// The certificate goes last: while it is missing, there is no authority yet.
	if err := writeFile(root, caKeyName, keyPEM); err != nil {
		return nil, err
	}
	return ca, writeFile(root, caCertName, ca.certPEM())
}

func (a *authority) certPEM() []byte { return encodeCert(a.cert.Raw) }

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// writeFile replaces a file whole, so that who reads it, now or after a crash, finds the old or the new one.
func writeFile(root *os.Root, name string, content []byte) error {
	fresh := name + ".new"
	if err := root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(root.Name(), fresh), err)
	}
	return root.Rename(fresh, name)
}
