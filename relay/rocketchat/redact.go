package rocketchat

import "strings"

// removed stands where a credential stood.
const removed = "[removed]"

// cleanText removes a literal secret, and the credentials of the URLs in s.
func cleanText(s, secret string) string {
	if secret != "" {
		s = strings.ReplaceAll(s, secret, removed)
	}
	return cleanUserInfo(s)
}

// cleanUserInfo removes what stands between "://" and the last "@" of a URL's authority.
func cleanUserInfo(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "://")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("://")
		end := strings.IndexAny(after, "/?#\\<>\"' \t\r\n")
		if end < 0 {
			end = len(after)
		}
		if at := strings.LastIndexByte(after[:end], '@'); at > 0 {
			b.WriteString(removed)
			after = after[at:]
		}
		s = after
	}
}
