// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"fmt"
	"io"
	"os"
)

// maxInput is the most that a Secret can hold.
const maxInput = 1 << 20

// read reads the file of a flag, or standard input where that is -.
func (o *common) read(flag, path string) (text string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("--%s: %w", flag, err)
		}
	}()
	from := o.streams.In
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxInput {
		return "", fmt.Errorf("%s is larger than a Secret can be", path)
	}
	return string(data), nil
}
