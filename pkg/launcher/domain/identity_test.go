// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIdentitySurvivesMetadata(t *testing.T) {
	want := Identity{Owner: `a "laptop" & <more>`, Namespace: "shop", Name: "web-1", UID: testUID}
	element, err := want.marshal()
	require.NoError(t, err)
	assert.Contains(t, element, `xmlns="`+MetadataNamespace+`"`)
	got, err := ParseIdentity(element)
	require.NoError(t, err)
	got.XMLName = want.XMLName
	assert.Equal(t, want, got)
}

func TestForeignMetadataIsNoIdentity(t *testing.T) {
	for name, element := range map[string]string{
		"nothing":        "",
		"other element":  `<other owner="o" namespace="a" name="b" uid="` + testUID + `"/>`,
		"path as UID":    `<instance xmlns="urn:virt-apiserver:domain" owner="o" namespace="a" name="b" uid="../../etc"/>`,
		"path as name":   `<instance xmlns="urn:virt-apiserver:domain" owner="o" namespace="a" name="../b" uid="` + testUID + `"/>`,
		"too long":       `<instance xmlns="urn:virt-apiserver:domain" owner="` + strings.Repeat("o", maxMetadata) + `"/>`,
		"cut off":        `<instance xmlns="urn:virt-apiserver:domain"`,
		"external thing": `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><instance xmlns="urn:virt-apiserver:domain" owner="&e;"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseIdentity(element)
			require.Error(t, err)
		})
	}
}

func TestNamesAreUniqueAndFitAFileName(t *testing.T) {
	long := strings.Repeat("a", 250)
	assert.Equal(t, "shop_web-1", Name("shop", "web-1"))
	assert.NotEqual(t, Name("shop", long+"b"), Name("shop", long+"c"))
	assert.LessOrEqual(t, len(Name("shop", long)), maxName)
}

func FuzzParseIdentity(f *testing.F) {
	f.Add(`<instance xmlns="urn:virt-apiserver:domain" owner="o" namespace="a" name="b" uid="` + testUID + `"/>`)
	f.Add(`<instance/>`)
	f.Fuzz(func(t *testing.T, element string) {
		identity, err := ParseIdentity(element)
		if err != nil {
			return
		}
		require.NoError(t, CheckIdentity(identity.Namespace, identity.Name, string(identity.UID)))
	})
}

func FuzzParseFacts(f *testing.F) {
	f.Add(`<domain type="kvm"><os><type machine="q35">hvm</type></os><devices><disk><alias name="ua-x"/><target dev="vda"/></disk></devices></domain>`)
	f.Add(`<domain>`)
	f.Fuzz(func(t *testing.T, text string) {
		facts, err := ParseFacts(text)
		require.True(t, (err == nil) == (facts != nil))
	})
}
