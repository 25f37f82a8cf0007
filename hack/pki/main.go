// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

const lifetime = 30 * 24 * time.Hour

// leaf is one certificate: a server's if it has hosts, else a client's.
type leaf struct {
	file   string
	name   string
	groups []string
	hosts  []string
}

// authorities maps each authority to what it signs. No two of them trust each
// other, so that a certificate used in the wrong place is refused.
func authorities() map[string][]leaf {
	return map[string][]leaf{
		"cluster-ca": {
			{file: "kube-apiserver", name: "kube-apiserver", hosts: []string{"127.0.0.1", "localhost", "kubernetes.default.svc"}},
			{file: "admin", name: "admin", groups: []string{"system:masters"}},
			{file: "kube-controller-manager", name: "system:kube-controller-manager"},
			// The name of its service account: a pod would come with a token for it.
			{file: "virt-apiserver-client", name: "system:serviceaccount:virt-apiserver:virt-apiserver"},
		},
		"aggregation-ca": {
			{file: "front-proxy", name: "front-proxy-client"},
			{file: "front-proxy-stranger", name: "stranger"},
		},
		"serving-ca": {
			{file: "virt-apiserver", name: "virt-apiserver", hosts: []string{"virt-apiserver.virt-apiserver.svc", "127.0.0.1", "localhost"}},
		},
		"node-ca": {
			{file: "node-client", name: "virt-apiserver"},
			// An agent is known by the name of its node.
			{file: "node-agent", name: "system:node:node-1", hosts: []string{"node-1"}},
		},
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pki:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: pki DIRECTORY")
	}
	dir := args[0]
	for name, leaves := range authorities() {
		if err := writeAuthority(dir, name, leaves); err != nil {
			return fmt.Errorf("authority %s: %w", name, err)
		}
	}
	return writeServiceAccountKeys(dir)
}

func writeAuthority(dir, name string, leaves []leaf) error {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	ca, caKey, err := write(filepath.Join(dir, name), template, nil, nil)
	if err != nil {
		return err
	}
	for _, l := range leaves {
		if _, _, err := write(filepath.Join(dir, l.file), l.template(), ca, caKey); err != nil {
			return fmt.Errorf("certificate %s: %w", l.file, err)
		}
	}
	return nil
}

func (l leaf) template() *x509.Certificate {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: l.name, Organization: l.groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(l.hosts) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, host := range l.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

// writeServiceAccountKeys writes the pair by which kube-apiserver signs and
// knows again the tokens of service accounts.
func writeServiceAccountKeys(dir string) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("encode public key: %w", err)
	}
	if err := writePEM(filepath.Join(dir, "service-account.pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, "service-account.key"), key)
}
