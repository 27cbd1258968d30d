package cometchat

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/egress"
)

func TestReadPage(t *testing.T) {
	cursorMeta := Meta{Limit: 10, Count: 1, Next: &Cursor{Affix: Append, ID: "3", SentAt: time.Unix(1700000000, 0).UTC()}}
	pageMeta := Meta{Limit: 100, Count: 2, Page: 1, TotalPages: 1, Next: &Cursor{Affix: Prepend, ID: "1786"}}
	tests := []struct {
		name, body string
		rows       []string
		meta       Meta
		fails      string
	}{
		{"cursor", `{"data":[{"id":"2"}],"meta":{"current":{"limit":10,"count":1},"next":{"affix":"append","sentAt":1700000000,"id":"3"}}}`, []string{`{"id":"2"}`}, cursorMeta, ""},
		{"page", `{"meta":{"pagination":{"total":0,"count":2,"per_page":100,"current_page":1,"total_pages":1},"cursor":{"id":1786,"affix":"prepend"}},"data":[1,2]}`, []string{"1", "2"}, pageMeta, ""},
		{"indexed", `{"data":{"10":"c","0":"a","2":"b"}}`, []string{`"a"`, `"b"`, `"c"`}, Meta{}, ""},
		{"empty", `{"data":[],"meta":[]}`, nil, Meta{}, ""},
		{"empty object", `{"data":{}}`, nil, Meta{}, ""},
		{"odd meta", `{"data":[],"meta":{"current":5,"pagination":{"total":"x","per_page":"7"},"next":[],"cursor":null}}`, nil, Meta{Limit: 7}, ""},
		{"meta no object", `{"data":[],"meta":"x"}`, nil, Meta{}, ""},
		{"top-level cursor", `{"data":[],"cursor":{"updatedAt":1}}`, nil, Meta{}, ""},
		{"last data counts", `{"data":[1],"data":[2]}`, []string{"2"}, Meta{}, ""},
		{"data beside error", `{"error":{"code":"X"},"data":[1]}`, []string{"1"}, Meta{}, ""},
		{"missing", `{}`, nil, Meta{}, "data: missing"},
		{"null", `{"data":null}`, nil, Meta{}, "data: missing"},
		{"string", `{"data":"x"}`, nil, Meta{}, "neither an array nor an object"},
		{"one object", `{"data":{"id":"1"}}`, nil, Meta{}, "not one of numbered rows"},
		{"array", `[]`, nil, Meta{}, "not an object"},
		{"no JSON", `<html>`, nil, Meta{}, "undecodable"},
		{"nothing", ``, nil, Meta{}, "unexpected EOF"},
		{"cut off", `{"data":[{"id":"1"},{"id":`, nil, Meta{}, "unexpected EOF"},
		{"cut before its end", `{"data":[]`, nil, Meta{}, "unexpected EOF"},
		{"more", `{"data":[]}{}`, nil, Meta{}, "more follows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var page RawPage
			refusal, err := readPage(strings.NewReader(tt.body), &page)
			if refusal != nil || (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("refusal %s, error %v", refusal, err)
			}
			var rows []string
			for _, row := range page.Rows {
				rows = append(rows, string(row))
			}
			if !reflect.DeepEqual(rows, tt.rows) || !reflect.DeepEqual(page.Meta, tt.meta) {
				t.Errorf("rows %q, meta %+v", rows, page.Meta)
			}
		})
	}
}

func TestReadPageRefusal(t *testing.T) {
	for _, body := range []string{`{"error":{"code":"X"}}`, `{"data":null,"error":{"code":"X"}}`} {
		var page RawPage
		refusal, err := readPage(strings.NewReader(body), &page)
		if err != nil || string(refusal) != `{"error":{"code":"X"}}` || page.Rows != nil {
			t.Errorf("%s: %s, %v", body, refusal, err)
		}
	}
	c := serve(t, answer(200, `{"error":{"code":"ERR_OPERATION_FAILED"}}`))
	_, err := c.Client().ListMessages(t.Context(), MessageOptions{})
	var refused *APIError
	if !errors.As(err, &refused) || refused.Code != "ERR_OPERATION_FAILED" || !refused.Retryable() {
		t.Error(err)
	}
}

func TestListTooLong(t *testing.T) {
	row := `{"id":"1","data":{"text":"` + strings.Repeat("x", 1<<20) + `"}}`
	c := serve(t, answer(200, `{"data":[`+strings.Repeat(row+",", 16)+row+`]}`))
	_, err := c.Client().ListMessages(t.Context(), MessageOptions{})
	if !errors.Is(err, egress.ErrAnswerTooLong) || !strings.Contains(err.Error(), "16777216 bytes") {
		t.Error(err)
	}
	// Of what is no list, much less is read.
	var raw json.RawMessage
	if err := c.Client().call(t.Context(), Request{Method: "GET", Path: []string{"messages"}}, &raw); !errors.Is(err, egress.ErrAnswerTooLong) {
		t.Error(err)
	}
}

func TestListRowsThatCannotBeRead(t *testing.T) {
	for name, row := range map[string]string{"no object": `5`, "no id": `{"id":"x"}`, "id object": `{"id":{"secret":1}}`} {
		c := serve(t, answer(200, `{"data":[{"id":"1"},`+row+`]}`))
		_, err := c.Client().ListMessages(t.Context(), MessageOptions{})
		if err == nil || !strings.Contains(err.Error(), "GET /messages: answer: data: row 1: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
