// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const (
	// MaxSpecBytes bounds the line with the Spec.
	MaxSpecBytes = 1 << 20
	// MaxMessageBytes bounds the line with a Message.
	MaxMessageBytes = 64 << 10
	// TargetFD is the descriptor of the volume in the importer.
	TargetFD = 3
	// ImageFD is the descriptor of a container image that is on disk, or of the disk that is copied.
	ImageFD = 4
)

// Spec says what to do. Exactly one of HTTP, Container, Copy and Blank is set.
type Spec struct {
	HTTP      *source.HTTP      `json:"http,omitempty"`
	Container *source.Container `json:"container,omitempty"`
	// Copy takes the disk that is open as ImageFD.
	Copy  bool `json:"copy,omitempty"`
	Blank bool `json:"blank,omitempty"`
	// Resolve asks only for the digest of the container image; the volume is left alone.
	Resolve bool `json:"resolve,omitempty"`
	// Labels is image.Options.Labels.
	Labels bool `json:"labels,omitempty"`
	// SizeBytes is the requested size of the volume, with Fit the largest that is accepted.
	SizeBytes   int64 `json:"sizeBytes"`
	Fit         bool  `json:"fit,omitempty"`
	Preallocate bool  `json:"preallocate,omitempty"`
	// IdleTimeoutSeconds is image.Options.IdleTimeout; 0 means the default.
	IdleTimeoutSeconds int64 `json:"idleTimeoutSeconds,omitempty"`
	// AllowCIDRs are the special ranges of addresses that may be reached; see package egress.
	AllowCIDRs []netip.Prefix `json:"allowCIDRs,omitempty"`
}

// Validate returns an error that names the first field that cannot be used.
func (s Spec) Validate() error {
	if count(s.HTTP != nil, s.Container != nil, s.Copy, s.Blank) != 1 {
		return errors.New("spec: set exactly one of http, container, copy and blank")
	}
	if s.Resolve && s.Container == nil {
		return errors.New("spec.resolve: needs spec.container")
	}
	if s.SizeBytes <= 0 {
		return fmt.Errorf("spec.sizeBytes: is %d, want more than 0", s.SizeBytes)
	}
	if s.IdleTimeoutSeconds < 0 || s.IdleTimeoutSeconds > int64((24*time.Hour)/time.Second) {
		return fmt.Errorf("spec.idleTimeoutSeconds: is %d, want 0 to one day", s.IdleTimeoutSeconds)
	}
	if s.HTTP != nil {
		if err := s.HTTP.Validate(); err != nil {
			return fmt.Errorf("spec.http.%w", err)
		}
	}
	if s.Container != nil {
		if err := s.Container.Validate(); err != nil {
			return fmt.Errorf("spec.container.%w", err)
		}
	}
	return nil
}

// count returns how many of the conditions hold.
func count(conditions ...bool) int {
	n := 0
	for _, holds := range conditions {
		if holds {
			n++
		}
	}
	return n
}

// Message is one line from the importer: exactly one field is set.
type Message struct {
	Progress *image.Progress `json:"progress,omitempty"`
	Result   *image.Result   `json:"result,omitempty"`
	Error    *image.Error    `json:"error,omitempty"`
}

// readSpec reads the first line of r, leaving the rest.
func readSpec(r *bufio.Reader) (Spec, error) {
	line, err := readLine(r, MaxSpecBytes)
	if err != nil {
		return Spec{}, fmt.Errorf("read the spec from stdin: %w", err)
	}
	var spec Spec
	if err := decodeStrict(line, &spec); err != nil {
		return Spec{}, fmt.Errorf("the spec on stdin: %w", err)
	}
	return spec, spec.Validate()
}

// readMessage reads the next line of r; io.EOF means that there is none.
func readMessage(r *bufio.Reader) (Message, error) {
	line, err := readLine(r, MaxMessageBytes)
	if err != nil {
		return Message{}, err
	}
	var m Message
	if err := decodeStrict(line, &m); err != nil {
		return Message{}, fmt.Errorf("a message of the importer: %w", err)
	}
	if set := count(m.Progress != nil, m.Result != nil, m.Error != nil); set != 1 {
		return Message{}, fmt.Errorf("a message of the importer has %d of progress, result and error, want one", set)
	}
	return m, nil
}

var errLineTooLong = errors.New("the line is too long")

// readLine returns the next line without its end, which need not be there at
// the end of the input.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, errLineTooLong
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func decodeStrict(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one JSON value on the line")
	}
	return nil
}
