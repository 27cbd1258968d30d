package sim

import (
	"net/http"
	"path"
	"strings"
)

// route is one endpoint with what holds for it.
type route struct {
	do       endpoint
	core     bool // counts against the limit of core operations
	authOnly bool // may be called with a key of the scope authOnly
}

// routes lists the API. Core operations are those of CometChat: rest-api/constraints-rate-limits-and-errors; what an authOnly
// key may do is from rest-api/authentication.
func (s *CometChat) routes() map[string]route {
	all := map[string]route{
		"POST /users":                   {s.createUser, true, true},
		"DELETE /users/{uid}":           {s.deleteUser, true, false},
		"POST /users/{uid}/auth_tokens": {s.createToken, true, true},
		"POST /groups":                  {s.createGroup, true, false},
		"POST /groups/{guid}/members":   {s.addMembers, true, false},
	}
	for _, part := range []map[string]endpoint{s.messageRoutes(), s.conversationRoutes(), s.peopleRoutes(), s.groupRoutes()} {
		for pattern, do := range part {
			all[pattern] = route{do: do}
		}
	}
	return all
}

func (s *CometChat) messageRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST /messages":                            s.sendMessage,
		"GET /messages":                             s.listMessages,
		"GET /messages/{id}":                        s.getMessage,
		"PUT /messages/{id}":                        s.updateMessage,
		"DELETE /messages/{id}":                     s.deleteMessage,
		"POST /messages/{id}/thread":                s.sendThread,
		"GET /messages/{id}/thread":                 s.listThread,
		"POST /messages/{id}/thread/subscription":   s.subscribe,
		"DELETE /messages/{id}/thread/subscription": s.subscribe,
		"GET /messages/{id}/reactions":              s.listReactions,
		"GET /messages/{id}/reactions/{emoji}":      s.listReactions,
		"POST /messages/{id}/reactions/{emoji}":     s.addReaction,
		"DELETE /messages/{id}/reactions/{emoji}":   s.removeReaction,
		"POST /messages/{id}/pin":                   s.pin,
		"DELETE /messages/{id}/pin":                 s.unpin,
		"POST /messages/{id}/save":                  s.save,
		"DELETE /messages/{id}/save":                s.unsave,
		"GET /users/{uid}/messages":                 s.listUserMessages,
		"GET /groups/{guid}/messages":               s.listGroupMessages,
		"POST /bots/{uid}/messages":                 s.sendAsBot,
	}
}

func (s *CometChat) conversationRoutes() map[string]endpoint {
	all := map[string]endpoint{
		"GET /conversations":                   s.listConversations,
		"GET /conversations/{conversation}":    s.getConversation,
		"DELETE /conversations/{conversation}": s.deleteConversation,
	}
	for _, of := range []string{"/users/{uid}", "/groups/{guid}"} {
		all["GET "+of+"/conversation"] = s.getTalk
		all["PUT "+of+"/conversation"] = s.tagTalk
		all["DELETE "+of+"/conversation"] = s.resetTalk
		all["POST "+of+"/conversation/read"] = s.readTalk
		all["POST "+of+"/conversation/delivered"] = s.deliverTalk
	}
	return all
}

func (s *CometChat) peopleRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /users":                       s.listUsers,
		"PUT /users":                       s.activateUsers,
		"DELETE /users":                    s.deactivateUsers,
		"GET /users/{uid}":                 s.getUser,
		"PUT /users/{uid}":                 s.updateUser,
		"GET /users/{uid}/auth_tokens":     s.listTokens,
		"DELETE /users/{uid}/auth_tokens":  s.clearTokens,
		"POST /users/{uid}/blockedusers":   s.blockUsers,
		"DELETE /users/{uid}/blockedusers": s.unblockUsers,
		"GET /users/{uid}/blockedusers":    s.listBlocked,
		"POST /bots":                       s.createBot,
		"GET /bots":                        s.listBots,
		"GET /bots/{uid}":                  s.getBot,
		"PUT /bots/{uid}":                  s.updateBot,
		"DELETE /bots/{uid}":               s.deleteBot,
	}
}

func (s *CometChat) groupRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /groups":                             s.listGroups,
		"GET /groups/{guid}":                      s.getGroup,
		"PUT /groups/{guid}":                      s.updateGroup,
		"DELETE /groups/{guid}":                   s.deleteGroup,
		"GET /groups/{guid}/members":              s.listMembers,
		"PUT /groups/{guid}/members/{uid}":        s.changeScope,
		"DELETE /groups/{guid}/members/{uid}":     s.kickMember,
		"GET /groups/{guid}/bannedusers":          s.listBanned,
		"POST /groups/{guid}/bannedusers/{uid}":   s.banMember,
		"DELETE /groups/{guid}/bannedusers/{uid}": s.unbanMember,
	}
}

func (s *CometChat) newAPI() http.Handler {
	mux := http.NewServeMux()
	for pattern, rt := range s.routes() {
		method, at, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+apiRoot+at, s.serve(rt))
	}
	unknown := s.serve(route{do: func(c *call) (answer, error) { return answer{}, noAPI(c.r) }})
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect
			s.serveAPI(unknown, w, r)
			return
		}
		s.serveAPI(mux, w, r)
	})
}

// authenticate goes by the header apikey, and by the header appId when it is sent, which the documents do not ask for.
func (s *CometChat) authenticate(r *http.Request, rt route) error {
	if id := r.Header.Get("appId"); id != "" && id != s.cfg.AppID {
		return refuse(http.StatusUnauthorized, "AUTH_ERR_INVALID_APPID", "The app ID %s is invalid; please make sure that it belongs to this region.", id)
	}
	switch key := r.Header.Get("apikey"); {
	case key == "":
		return refuse(http.StatusUnauthorized, "AUTH_ERR_EMPTY_APIKEY", "The apikey header is missing; please provide an API key.")
	case key == s.cfg.APIKey, key == s.cfg.AuthKey && rt.authOnly:
		return nil
	case key == s.cfg.AuthKey:
		return noScope(key)
	}
	return refuse(http.StatusUnauthorized, "AUTH_ERR_APIKEY_NOT_FOUND", "The API key does not exist; please use a correct API key.")
}

// noScope repeats the key, as the platform does: a client must not log such a message as it is.
func noScope(key string) *Error {
	e := refuse(http.StatusForbidden, "AUTH_ERR_NO_ACCESS",
		"The key %s cannot be used to perform this operation. Please use API key with a correct scope to perform the operation.", key)
	e.Dev = "The " + key + " key does not have enough clearance. To perform the operation, please use the API key with the correct scope."
	return e
}
