// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"io"

	"github.com/coder/websocket"
)

// Ends of a stream that its client did not ask for. They cross every hop as the WebSocket's close code.
var (
	// ErrTakenOver: a newer session of the same stream began.
	ErrTakenOver = &EndedError{Code: 4001, Reason: "another session has taken over"}
	// ErrStopping: a process on the way stops; the guest is not concerned.
	ErrStopping = &EndedError{Code: websocket.StatusGoingAway, Reason: "the server is stopping"}
	// ErrBroken: the way to the guest broke.
	ErrBroken = &EndedError{Code: websocket.StatusInternalError, Reason: "the connection to the guest broke"}
)

// EndedError says why a stream ended. Two are the same to errors.Is where their codes are.
type EndedError struct {
	Code   websocket.StatusCode
	Reason string
}

func (e *EndedError) Error() string {
	if e.Reason == "" {
		return "the stream was closed: " + e.Code.String()
	}
	return e.Reason
}

// Is compares codes.
func (e *EndedError) Is(target error) bool {
	other, ok := target.(*EndedError)
	return ok && other.Code == e.Code
}

// endOf is what a failed read or write means: io.EOF for a normal close, an *EndedError for another one,
// io.ErrUnexpectedEOF for a connection that ended without a close.
func endOf(err error) error {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	switch closed.Code {
	case websocket.StatusNormalClosure, websocket.StatusNoStatusRcvd:
		return io.EOF
	default:
		return &EndedError{Code: closed.Code, Reason: closed.Reason}
	}
}

// closing is the close frame for why.
func closing(why error) (websocket.StatusCode, string) {
	var ended *EndedError
	switch {
	case why == io.EOF:
		return websocket.StatusNormalClosure, ""
	case errors.As(why, &ended):
		return ended.Code, ended.Reason
	default:
		return ErrBroken.Code, ErrBroken.Reason
	}
}
