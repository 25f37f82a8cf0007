// SPDX-License-Identifier: Apache-2.0

package create

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// parameters are what a flag's KEY:VALUE,... says. A value has no comma.
type parameters struct {
	flag, text string
	values     map[string]string
}

// parseParameters reads a flag's value. All of needed must be there, and nothing but these and optional.
func parseParameters(flag, text string, needed, optional []string) (*parameters, error) {
	p := &parameters{flag, text, map[string]string{}}
	for part := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(part, ":")
		switch {
		case !found || value == "":
			return nil, p.wrong("%q must be KEY:VALUE", part)
		case !slices.Contains(needed, key) && !slices.Contains(optional, key):
			return nil, p.wrong("there is no key %q here: %s", key, strings.Join(slices.Concat(needed, optional), ", "))
		case p.values[key] != "":
			return nil, p.wrong("%s is there twice", key)
		}
		p.values[key] = value
	}
	for _, key := range needed {
		if p.values[key] == "" {
			return nil, p.wrong("%s is needed", key)
		}
	}
	return p, nil
}

// wrong says what is wrong with the flag's value.
func (p *parameters) wrong(format string, args ...any) error {
	return fmt.Errorf("--%s %s: "+format, append([]any{p.flag, p.text}, args...)...)
}

func (p *parameters) get(key string) string { return p.values[key] }

// list is of values that have a semicolon between them.
func (p *parameters) list(key string) []string {
	if p.values[key] == "" {
		return nil
	}
	return strings.Split(p.values[key], ";")
}

// name returns that of a volume, or what is in its place where it is not there.
func (p *parameters) name(otherwise string) (string, error) {
	name := p.get("name")
	if name == "" {
		name = otherwise
	}
	if messages := validation.IsDNS1123Label(name); len(messages) > 0 {
		return "", p.wrong("%q can't be the name of a volume: %s", name, messages[0])
	}
	return name, nil
}

// source returns src, which is the name of something in the machine's own namespace.
func (p *parameters) source() (string, error) {
	if strings.Contains(p.get("src"), "/") {
		return "", p.wrong("src is in the machine's own namespace; leave out all up to the /")
	}
	return p.get("src"), nil
}

func (p *parameters) size() (*verbatim.Quantity, error) {
	if p.get("size") == "" {
		return nil, nil
	}
	size, err := verbatim.ParseQuantity(p.get("size"))
	if err != nil {
		return nil, p.wrong("size: %w", err)
	}
	return &size, nil
}

// bootOrder returns nil where there is none.
func (p *parameters) bootOrder() (*uint, error) {
	if p.get("bootorder") == "" {
		return nil, nil
	}
	order, err := strconv.ParseUint(p.get("bootorder"), 10, 32)
	if err != nil || order == 0 {
		return nil, p.wrong("bootorder must be a number, 1 or more")
	}
	result := uint(order)
	return &result, nil
}
