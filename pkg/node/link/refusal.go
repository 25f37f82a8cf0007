// SPDX-License-Identifier: Apache-2.0

package link

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxRefusal is more than any Status that is sent here.
const maxRefusal = 16 << 10

// Refusal makes an API error of an answer that is no success, with its code, reason and message.
func Refusal(response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	status := &metav1.Status{}
	if err := json.Unmarshal(body, status); err == nil && status.Kind == "Status" && status.Status == metav1.StatusFailure {
		status.Code = int32(response.StatusCode)
		return &apierrors.StatusError{ErrStatus: *status}
	}
	text := strings.TrimSpace(string(body))
	if text == "" {
		text = http.StatusText(response.StatusCode)
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    int32(response.StatusCode),
		Reason:  metav1.StatusReasonUnknown,
		Message: text,
	}}
}

// Refuse answers with err, which Refusal returns again on the other side.
func Refuse(w http.ResponseWriter, err error) {
	status := metav1.Status{Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Message: err.Error()}
	if known, ok := err.(apierrors.APIStatus); ok {
		status = known.Status()
	}
	status.Kind, status.APIVersion = "Status", "v1"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status)
}
