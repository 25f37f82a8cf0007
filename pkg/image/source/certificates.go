// SPDX-License-Identifier: Apache-2.0

package source

import (
	"crypto/x509"
	"errors"
)

func validateCACert(pem string) error {
	_, err := RootCAs(pem)
	return err
}

// RootCAs returns the system's certificates and those in pem; nil, which means the system's, where there are
// none.
func RootCAs(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("caCert: holds no PEM certificate")
	}
	return pool, nil
}
