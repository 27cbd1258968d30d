package rocketsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
)

// uploadMedia is POST rooms.media/{rid}: it takes the part "file" of a form.
func (s *Server) uploadMedia(c *call) (map[string]any, error) {
	if len(c.path) != 1 {
		return nil, &Error{Status: http.StatusNotFound, Reason: "Resource not found"}
	}
	r := s.rooms[c.path[0]]
	if r == nil || !s.mayRead(c.user, r) {
		return nil, forbidden()
	}
	f, content, err := readFile(c)
	if err != nil {
		return nil, err
	}
	if len(content) > s.cfg.Settings.MaxFileSize {
		return nil, refuse("error-file-too-large", "File is too large")
	}
	up := s.keepFile(r.ID, c.user, f, content)
	return map[string]any{"file": map[string]any{"_id": up.ID, "url": up.path()}}, nil
}

// readFile finds the file in the form of an upload.
func readFile(c *call) (fileRef, []byte, error) {
	kind, args, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return fileRef{}, nil, plain("Unsupported content type: %s", kind)
	}
	form := multipart.NewReader(bytes.NewReader(c.body), args["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return fileRef{}, nil, refuse("error-no-file", "No file was uploaded")
		}
		if err != nil {
			return fileRef{}, nil, plain("Unexpected end of form")
		}
		if part.FileName() == "" {
			continue
		}
		if part.FormName() != "file" {
			return fileRef{}, nil, refuse("invalid-field", "")
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return fileRef{}, nil, plain("Unexpected end of form")
		}
		f := fileRef{Name: part.FileName(), Type: part.Header.Get("Content-Type")}
		if f.Type == "" {
			f.Type = "application/octet-stream"
		}
		return f, content, nil
	}
}

// confirmMedia is POST rooms.mediaConfirm/{rid}/{fileId}: it posts the message of an upload. A repeat posts another.
func (s *Server) confirmMedia(c *call) (map[string]any, error) {
	if len(c.path) != 2 {
		return nil, &Error{Status: http.StatusNotFound, Reason: "Resource not found"}
	}
	r := s.rooms[c.path[0]]
	if r == nil || !s.mayRead(c.user, r) {
		return nil, forbidden()
	}
	up := s.fileAt(c.path[1])
	if up == nil || up.userID != c.user.ID || up.rid != r.ID {
		return nil, refuse("invalid-file", "")
	}
	doc := withoutNulls(c.params)
	if units(text(doc["description"])) > s.cfg.Settings.MaxAllowedSize {
		return nil, refuse("error-message-size-exceeded", "")
	}
	if name := text(doc["fileName"]); name != "" {
		up.Name = name
	}
	delete(doc, "fileName")
	if err := mediaFields(doc); err != nil {
		return nil, err
	}
	m, err := s.postFile(c.user, up, doc)
	if err != nil {
		return nil, err
	}
	return map[string]any{"message": m.doc(isoDate)}, nil
}

// mediaFields checks what may go with a file, and reads customFields, which come as a text.
func mediaFields(doc map[string]any) error {
	allowed := []string{
		"msg", "description", "tmid", "tshow", "alias", "avatar", "emoji", "groupable", "customFields", "t", "content",
	}
	for key := range doc {
		if !slices.Contains(allowed, key) {
			return plain("Match error: Unknown key in field %s", key)
		}
	}
	given := text(doc["customFields"])
	if given == "" {
		return nil
	}
	var fields map[string]any
	if json.Unmarshal([]byte(given), &fields) != nil {
		return plain("Invalid customFields")
	}
	doc["customFields"] = fields
	return nil
}

// download answers a request for a file. Who asks says so by the headers of the REST API, or by cookies or parameters of the query.
func (s *Server) download(rec *recorder, r *http.Request, path []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	up := s.fileAt(path[0])
	if up == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		rec.status = http.StatusNotFound
		return
	}
	u := s.authenticate(r.Header.Get("X-User-Id"), r.Header.Get("X-Auth-Token"))
	if u == nil {
		u = s.authenticate(named(r, "rc_uid"), named(r, "rc_token"))
	}
	if room := s.rooms[up.rid]; !s.cfg.Settings.UnprotectedFiles && (u == nil || room == nil || !s.mayRead(u, room)) {
		rec.status = http.StatusForbidden
		return
	}
	rec.header.Set("Content-Type", up.Type)
	rec.header.Set("Content-Security-Policy", "default-src 'none'")
	rec.header.Set("X-Content-Type-Options", "nosniff")
	rec.header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": up.Name}))
	rec.header.Set("Content-Length", strconv.Itoa(len(up.content)))
	_, _ = rec.body.Write(up.content) // a buffer takes everything
}

// named is a parameter of the query, or else a cookie.
func named(r *http.Request, name string) string {
	if v := r.URL.Query().Get(name); v != "" {
		return v
	}
	if cookie, err := r.Cookie(name); err == nil {
		return cookie.Value
	}
	return ""
}
