package rocketsim

import (
	"strings"
	"time"
)

// filePath is where downloads are.
const filePath = "/file-upload/"

// upload is a file that was sent; until it is confirmed it is temporary and goes after a day. s.mu guards it.
type upload struct {
	fileRef
	rid, userID string
	content     []byte
	expires     time.Time // zero once it is confirmed
	message     string    // id of its message; empty until it is confirmed
}

// path is where a file is downloaded from.
func (u *upload) path() string { return filePath + u.ID + "/" + escapeName(u.Name) }

// escapeName is a file's name as encodeURI leaves it in a path.
func escapeName(name string) string {
	return strings.NewReplacer("%", "%25", " ", "%20", "?", "%3F", "#", "%23").Replace(name)
}

// keepFile keeps an upload for a room; the caller holds s.mu.
func (s *Server) keepFile(rid string, u *user, f fileRef, content []byte) *upload {
	const kept = 24 * time.Hour
	f.ID, f.Size = objectID(), len(content)
	up := &upload{fileRef: f, rid: rid, userID: u.ID, content: content, expires: s.now().Add(kept)}
	s.files[f.ID] = up
	return up
}

// fileAt finds an upload that has not expired; the caller holds s.mu.
func (s *Server) fileAt(id string) *upload {
	up := s.files[id]
	if up == nil || !up.expires.IsZero() && s.now().After(up.expires) {
		return nil
	}
	return up
}

// postFile posts the message of an upload (Rocket.Chat: sendFileMessage.ts); doc has what goes with it. The caller holds s.mu.
func (s *Server) postFile(by *user, up *upload, doc map[string]any) (*message, error) {
	a := map[string]any{"title": up.Name, "type": "file", "title_link": up.path(), "title_link_download": true}
	if d := doc["description"]; truthy(d) {
		a["description"] = d
	}
	delete(doc, "description")
	kind, _, _ := strings.Cut(up.Type, "/")
	switch kind {
	case "image", "audio", "video":
		a[kind+"_url"], a[kind+"_type"], a[kind+"_size"] = up.path(), up.Type, up.Size
	default:
		a["format"], a["size"] = strings.ToUpper(up.Name[strings.LastIndex(up.Name, ".")+1:]), up.Size
	}
	ref := up.fileRef
	doc["rid"], doc["attachments"], doc["file"] = up.rid, []any{a}, &ref
	if _, ok := doc["groupable"]; !ok {
		doc["groupable"] = false
	}
	m, err := s.execute(posting{by: by, doc: doc})
	if err != nil {
		return nil, err
	}
	up.expires, up.message = time.Time{}, m.ID
	return m, nil
}
