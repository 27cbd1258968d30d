package cometchat

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyFilter sets all that the lists of messages have in common.
func everyFilter() (Cursor, MessageFilter) {
	return Cursor{Affix: Append, ID: "5", SentAt: time.Unix(6, 0), Limit: 7}, MessageFilter{
		SearchKey: "a b", HasAttachments: new(true), HasMentions: new(false), HasLinks: new(true), HasReactions: new(false),
		AttachmentTypes: []string{"image", "file"}, MentionedUIDs: []string{"ana", "zoe"}, Sender: "ana",
		Category: "message", Type: "text", Categories: []string{"message", "custom"}, Types: []string{"text", "image"},
		HideReplies: new(false), Unread: new(true), Count: new(false), MentionsWithBlockedInfo: new(true), MentionsWithTagInfo: new(true),
		WithTags: new(true), Tags: []string{"x", "y"}, From: time.Unix(8, 0), To: time.Unix(9, 0),
	}
}

const everyFilterValues = `affix=append attachmentTypes=image,file categories=message,custom category=message count=false
	fromTimestamp=8 hasAttachments=true hasLinks=true hasMentions=false hasReactions=false hideReplies=false id=5 limit=7 mentionedUids=ana,zoe
	mentionsWithBlockedInfo=true mentionsWithTagInfo=true mentionswithTagInfo=true searchKey=a_b sender=ana sentAt=6 tags=x,y toTimestamp=9 type=text
	types=text,image unread=true withTags=true `

// TestOptions has every query parameter of the documents, which are "List Messages", "List User Messages", "List Group
// Messages", "List Threaded Messages", "List Conversations", "List Users", "List Groups" and "List Members".
func TestOptions(t *testing.T) {
	at, f := everyFilter()
	page := Paging{PerPage: 3, Page: 4}
	tests := []struct {
		name   string
		values url.Values
		want   string
	}{
		{"messages", MessageOptions{
			Cursor: at, MessageFilter: f, ReceiverType: "user", ConversationID: "group_g", HideDeleted: new(true), OnlyDeleted: new(false),
			HideMessagesFromBlockedUsers: new(true),
		}.Values(), everyFilterValues + "receiverType=user conversationId=group_g hideDeleted=true onlyDeleted=false hideMessagesFromBlockedUsers=true"},
		{"user messages", UserMessageOptions{Cursor: at, MessageFilter: f, PerPage: 3, Undelivered: new(false), MyMentionsOnly: new(true)}.Values(),
			everyFilterValues + "perPage=3 undelivered=false myMentionsOnly=true"},
		{"group messages", GroupMessageOptions{
			Cursor: at, MessageFilter: f, Undelivered: new(true), MyMentionsOnly: new(false), HideMessagesFromBlockedUsers: new(true),
		}.Values(), everyFilterValues + "undelivered=true myMentionsOnly=false hideMessagesFromBlockedUsers=true"},
		{"thread", ThreadOptions{Cursor: at, PerPage: 3, Page: 4}.Values(), "affix=append id=5 sentAt=6 limit=7 perPage=3 page=4"},
		{"reactions", ReactionOptions{Cursor: at, Emoji: "x"}.Values(), "affix=append id=5 sentAt=6 limit=7"},
		{"conversations", ConversationOptions{
			Paging: page, SearchKey: "k", ConversationType: "user", WithTags: new(true), Tags: []string{"a", "b"},
			WithUserAndGroupTags: new(false), UserTags: []string{"c"}, GroupTags: []string{"d", "e"}, Unread: new(true),
		}.Values(), "perPage=3 page=4 searchKey=k conversationType=user withTags=true tags=a,b withUserAndGroupTags=false userTags=c groupTags=d,e unread=true"},
		{"users", UserOptions{
			Paging: page, SearchKey: "k", SearchIn: []string{"uid", "name"}, Status: "online", Role: "r", Roles: []string{"r", "s"},
			WithTags: new(false), Tags: []string{"a"}, OnlyDeactivated: new(true), WithDeactivated: new(false),
		}.Values(), "perPage=3 page=4 searchKey=k searchIn=uid,name status=online role=r roles=r,s withTags=false tags=a onlyDeactivated=true withDeactivated=false"},
		{"groups", GroupOptions{
			Paging: page, SearchKey: "k", SearchIn: []string{"guid"}, SortBy: "name", SortOrder: "asc", Affix: Prepend, UpdatedAt: time.Unix(9, 0),
			WithTags: new(true), Tags: []string{"a"}, Type: "public", Types: []string{"public", "private"}, HasJoined: new(false),
		}.Values(), "perPage=3 page=4 searchKey=k searchIn=guid sortBy=name sortOrder=asc affix=prepend updatedAt=9 withTags=true tags=a type=public types=public,private hasJoined=false"},
		{"members", MemberOptions{Paging: page, Scopes: []string{"admin", "participant"}}.Values(), "perPage=3 page=4 scopes=admin,participant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := map[string]string{}
			for pair := range strings.FieldsSeq(tt.want) {
				name, value, _ := strings.Cut(pair, "=")
				want[name] = strings.ReplaceAll(value, "_b", " b")
			}
			if cid := want["conversationId"]; cid != "" {
				want["conversationId"] = "group_g"
			}
			got := map[string]string{}
			for name, values := range tt.values {
				got[name] = strings.Join(values, "|")
			}
			if !maps.Equal(got, want) {
				for _, name := range slices.Sorted(maps.Keys(want)) {
					if got[name] != want[name] {
						t.Errorf("%s: %q, want %q", name, got[name], want[name])
					}
				}
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestEmptyOptionsSendNothing(t *testing.T) {
	for name, values := range map[string]url.Values{
		"messages": MessageOptions{}.Values(), "user": UserMessageOptions{}.Values(), "group": GroupMessageOptions{}.Values(),
		"thread": ThreadOptions{}.Values(), "reactions": ReactionOptions{}.Values(), "conversations": ConversationOptions{}.Values(),
		"users": UserOptions{}.Values(), "groups": GroupOptions{}.Values(), "members": MemberOptions{}.Values(),
	} {
		if len(values) != 0 {
			t.Errorf("%s: %v", name, values)
		}
	}
}
