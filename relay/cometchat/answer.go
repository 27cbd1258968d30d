package cometchat

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// Bounds of an answer, in bytes after decompression. A message has at most 64 KB of its own (document
// "articles/properties-and-constraints") and comes with the users that it names; a page of 100 of the longest stays below
// maxList, and of ordinary ones a page of 1,000 does.
const (
	maxAnswer = 1 << 20
	maxList   = 16 << 20
)

// RawPage is a page of a list, each row as it came.
type RawPage struct {
	// Rows are the elements of "data", an array or an object whose keys are numbers, in their order.
	Rows []json.RawMessage
	Meta Meta
}

// readAnswer reads a successful answer.
func (c *Client) readAnswer(resp *http.Response, into any) error {
	if page, ok := into.(*RawPage); ok {
		refusal, err := readPage(egress.Bound(resp.Body, c.maxList), page)
		if refusal != nil {
			return c.apiError(resp, refusal)
		}
		return err
	}
	body, err := egress.ReadAll(resp.Body, maxAnswer)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	var answer struct {
		Data  json.RawMessage `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	if err := decodeObject(body, &answer); err != nil {
		return err
	}
	if isAbsent(answer.Data) && !isAbsent(answer.Error) {
		return c.apiError(resp, body)
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *json.RawMessage:
		*into = answer.Data
		return nil
	}
	return decodeData(answer.Data, into)
}

// decodeData reads the data of an answer: an object, or an array that holds just one, as some endpoints send.
func decodeData(data json.RawMessage, into any) error {
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) == 1 {
		data = list[0]
	}
	if err := decodeObject(data, into); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

func isAbsent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// readPage reads a list row by row, so that no more than one row stands in memory twice. If there is an error in the place
// of the data, it returns that as an envelope of its own.
func readPage(r io.Reader, page *RawPage) (refusal json.RawMessage, err error) {
	*page = RawPage{}
	p := pageReader{dec: json.NewDecoder(&squeezed{r: r}), page: page}
	err = p.object(p.member)
	if err == nil {
		err = p.end()
	}
	switch {
	case err != nil:
		*page = RawPage{}
		return nil, err
	case !p.found && !isAbsent(p.refused):
		return json.RawMessage(`{"error":` + string(p.refused) + `}`), nil
	case !p.found:
		return nil, errors.New("data: missing")
	}
	return nil, nil
}

// pageReader walks an answer with a list.
type pageReader struct {
	dec     *json.Decoder
	page    *RawPage
	found   bool // data is there
	refused json.RawMessage
}

// member reads a member of the answer.
func (p *pageReader) member(key string) error {
	switch key {
	case "data":
		return p.data()
	case "error":
		return p.value(&p.refused)
	case "meta":
		var meta json.RawMessage
		if err := p.value(&meta); err != nil {
			return err
		}
		p.page.Meta = readMeta(meta)
		return nil
	}
	var skipped json.RawMessage
	return p.value(&skipped)
}

func (p *pageReader) data() error {
	token, err := p.token()
	p.page.Rows = nil // of an earlier "data", should there be two
	switch {
	case err != nil:
		return err
	case token == nil:
		p.found = false
		return nil
	case token == json.Delim('['):
		p.found = true
		return p.array()
	case token == json.Delim('{'):
		p.found = true
		return p.indexed()
	}
	return errors.New("data: neither an array nor an object")
}

func (p *pageReader) array() error {
	for p.dec.More() {
		var row json.RawMessage
		if err := p.value(&row); err != nil {
			return err
		}
		p.page.Rows = append(p.page.Rows, row)
	}
	_, err := p.token()
	return err
}

// indexed reads an object whose keys are the indexes of an array, as PHP writes one that has gaps.
func (p *pageReader) indexed() error {
	type row struct {
		at    int
		value json.RawMessage
	}
	var rows []row
	err := p.members(func(key string) error {
		at, err := strconv.Atoi(key)
		if err != nil {
			return errors.New("data: an object, and not one of numbered rows")
		}
		r := row{at: at}
		err = p.value(&r.value)
		rows = append(rows, r)
		return err
	})
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.at, b.at) })
	for _, r := range rows {
		p.page.Rows = append(p.page.Rows, r.value)
	}
	return err
}

// object reads an object and hands each of its members to read.
func (p *pageReader) object(read func(key string) error) error {
	token, err := p.token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return errors.New("not an object")
	}
	return p.members(read)
}

// members reads the rest of an object.
func (p *pageReader) members(read func(key string) error) error {
	for p.dec.More() {
		token, err := p.token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if err := read(key); err != nil {
			return err
		}
	}
	_, err := p.token()
	return err
}

func (p *pageReader) token() (json.Token, error) {
	token, err := p.dec.Token()
	return token, readFault(err)
}

func (p *pageReader) value(into *json.RawMessage) error { return readFault(p.dec.Decode(into)) }

// end makes sure that nothing follows.
func (p *pageReader) end() error {
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows")
	}
	return nil
}

// readFault takes what an answer holds out of the decoder's errors.
func readFault(err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return errors.New("undecodable")
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
