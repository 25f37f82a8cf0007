// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// MetadataNamespace is the XML namespace of the element that marks a domain as ours.
	MetadataNamespace = "urn:virt-apiserver:domain"
	metadataElement   = "instance"
	// maxMetadata is the size in bytes above which an element is not ours.
	maxMetadata = 4 << 10
	// maxName leaves room for what libvirt adds where it uses a domain's name for a file.
	maxName = 200
)

// Identity says in a domain's metadata whose it is.
type Identity struct {
	XMLName   xml.Name
	Owner     string    `xml:"owner,attr"`
	Namespace string    `xml:"namespace,attr"`
	Name      string    `xml:"name,attr"`
	UID       types.UID `xml:"uid,attr"`
}

// Name of the domain of an instance. An underscore can't be in either part, so no two instances share one.
func Name(namespace, name string) string {
	full := namespace + "_" + name
	if len(full) <= maxName {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	return full[:maxName-17] + "_" + hex.EncodeToString(sum[:8])
}

func identityOf(in Input) Identity {
	return Identity{Owner: in.Owner, Namespace: in.Instance.Namespace, Name: in.Instance.Name, UID: in.Instance.UID}
}

func (i Identity) marshal() (string, error) {
	if err := checkText("owner", i.Owner); err != nil {
		return "", err
	}
	i.XMLName = xml.Name{Space: MetadataNamespace, Local: metadataElement}
	raw, err := xml.Marshal(i)
	return string(raw), err
}

// ParseIdentity reads the element that a domain's metadata has in MetadataNamespace, as libvirt returns it:
// without the namespace.
func ParseIdentity(element string) (Identity, error) {
	if len(element) > maxMetadata {
		return Identity{}, errors.New("metadata: too long")
	}
	var identity Identity
	if err := xml.Unmarshal([]byte(element), &identity); err != nil {
		return Identity{}, fmt.Errorf("metadata: %w", err)
	}
	if identity.XMLName.Local != metadataElement {
		return Identity{}, fmt.Errorf("metadata: element %s", identity.XMLName.Local)
	}
	if err := CheckIdentity(identity.Namespace, identity.Name, string(identity.UID)); err != nil {
		return Identity{}, fmt.Errorf("metadata: %w", err)
	}
	return identity, nil
}
