package main

import "testing"

func TestInbox(t *testing.T) {
	for user, want := range map[string]string{
		"": "", "bots": "_INBOX.bots", "a-B_9": "_INBOX.a-B_9", "a.b": "", "a b": "", "*": "", ">": "",
	} {
		if got := inbox(user); got != want {
			t.Errorf("the inbox of %q is %q, want %q", user, got, want)
		}
	}
}
