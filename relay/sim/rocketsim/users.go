package rocketsim

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// User is a person or a bot.
type User struct {
	ID       string   // default a random id of 17 characters
	Username string   // required
	Name     string   // default the username
	Roles    []string // default "user"; see the permissions of admin, user, bot, app and guest in permissions.go
	Password string   // for POST login; empty cannot log in with one
	Token    string   // a personal access token that the user starts with; more with [Server.IssueToken]
}

type user struct {
	User
	createdAt time.Time
}

// token is what lets a request act as a user.
type token struct {
	userID   string
	personal bool // a personal access token; else a session
}

func (u *user) ref() userRef { return userRef{ID: u.ID, Username: u.Username, Name: u.Name} }

// AddUser makes a user and returns its id. It fails when the username is empty, or it or the id is taken.
func (s *Server) AddUser(u User) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.ID == "" {
		u.ID = randomID()
	}
	if u.Name == "" {
		u.Name = u.Username
	}
	if len(u.Roles) == 0 {
		u.Roles = []string{"user"}
	}
	u.Roles = slices.Clone(u.Roles)
	switch {
	case s.closed:
		return "", ErrClosed
	case u.Username == "":
		return "", fmt.Errorf("rocketsim: user %q has no username", u.ID)
	case s.users[u.ID] != nil:
		return "", fmt.Errorf("rocketsim: the user id %s is taken", u.ID)
	case s.names[u.Username] != nil:
		return "", fmt.Errorf("rocketsim: the username %s is taken", u.Username)
	}
	made := &user{User: u, createdAt: s.now()}
	s.users[u.ID], s.names[u.Username] = made, made
	if u.Token != "" {
		s.tokens[hashToken(u.Token)] = token{userID: u.ID, personal: true}
	}
	s.fireBare("userCreated")
	s.touch()
	return u.ID, nil
}

// SetRoles gives a user, by id or username, other roles.
func (s *Server) SetRoles(who string, roles ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(who)
	if err != nil {
		return err
	}
	u.Roles = slices.Clone(roles)
	s.touch()
	return nil
}

// IssueToken makes a personal access token for a user, given by id or username.
func (s *Server) IssueToken(who string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(who)
	if err != nil {
		return "", err
	}
	return s.issue(u, true), nil
}

// RevokeTokens makes every token of a user invalid, personal ones and sessions, and cuts the user's realtime connections.
func (s *Server) RevokeTokens(who string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(who)
	if err != nil {
		return err
	}
	for hash, t := range s.tokens {
		if t.userID == u.ID {
			delete(s.tokens, hash)
		}
	}
	s.cutTokens(u.ID)
	return nil
}

// issue makes a token; the caller holds s.mu.
func (s *Server) issue(u *user, personal bool) string {
	made := randomToken()
	s.tokens[hashToken(made)] = token{userID: u.ID, personal: personal}
	return made
}

// person finds a user by id or username; the caller holds s.mu.
func (s *Server) person(who string) (*user, error) {
	if u := s.users[who]; u != nil {
		return u, nil
	}
	if u := s.names[who]; u != nil {
		return u, nil
	}
	return nil, fmt.Errorf("rocketsim: there is no user %q", who)
}

// hashToken is how the real server keeps tokens: the base64 of their SHA-256.
func hashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// alphabet is what Meteor makes random ids of: letters and digits that are not mistaken for one another.
const alphabet = "23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz"

// randomID is an id as Meteor's clients make one.
func randomID() string { return random(17) }

func randomToken() string { return random(43) }

func random(n int) string {
	out := make([]byte, 0, n)
	draw := make([]byte, 2*n)
	for {
		_, _ = rand.Read(draw) // it never fails
		for _, b := range draw {
			if int(b) < 256/len(alphabet)*len(alphabet) {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
			if len(out) == n {
				return string(out)
			}
		}
	}
}

// objectID is an id as the server's own documents have one: 24 hexadecimal digits.
func objectID() string {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // it never fails
	return hex.EncodeToString(id)
}
