package cometchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Page is one page of a list.
type Page[T any] struct {
	// Rows are in the order of the answer, which no document promises: sort by what matters.
	Rows []T
	Meta Meta
}

// listPage asks for one page.
func listPage[T any](ctx context.Context, c *Client, q url.Values, path ...string) (Page[T], error) {
	var raw RawPage
	if err := c.call(ctx, Request{Method: http.MethodGet, Path: path, Query: q}, &raw); err != nil {
		return Page[T]{}, err
	}
	page := Page[T]{Rows: make([]T, len(raw.Rows)), Meta: raw.Meta}
	for i, row := range raw.Rows {
		if err := json.Unmarshal(row, &page.Rows[i]); err != nil {
			return Page[T]{}, fmt.Errorf("GET /%s: answer: data: row %d: %w", strings.Join(path, "/"), i, rowFault(err))
		}
		raw.Rows[i] = nil // which is held by the row itself, if it wants it
	}
	return page, nil
}

// rowFault takes what a row holds out of the decoder's error.
func rowFault(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return errors.New("of an unfit type")
	}
	return err
}
