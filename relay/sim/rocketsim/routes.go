package rocketsim

import "maps"

// routes lists the API by method and name.
func (s *Server) routes() map[string]route {
	all := map[string]route{}
	for _, part := range []map[string]route{s.accountRoutes(), s.chatRoutes(), s.threadRoutes(), s.syncRoutes(), s.roomRoutes()} {
		maps.Copy(all, part)
	}
	return all
}

// shaped is a route whose parameters must fit a schema.
func shaped(do endpoint, sc schema) route { return route{do: do, schema: &sc} }

func (s *Server) accountRoutes() map[string]route {
	return map[string]route{
		"POST login":               {do: s.login, open: true, bare: true},
		"GET me":                   {do: s.me},
		"GET info":                 {do: s.info, open: true},
		"GET users.info":           {do: s.usersInfo},
		"POST integrations.create": shaped(s.createIntegration, integrationSchema()),
	}
}

// chatRoutes are those that change messages (Rocket.Chat: rest-typings v1/chat).
func (s *Server) chatRoutes() map[string]route {
	send := shaped(s.sendMessage, shape([]string{"message"}, map[string]schema{
		"message": {kind: "object", fields: map[string]schema{
			"_id": nullText(), "rid": anyText(), "tmid": nullText(), "msg": nullText(), "alias": nullText(), "emoji": nullText(),
			"tshow": flag(), "avatar": nullText(), "attachments": arrayOf(anyObject()), "blocks": arrayOf(anyObject()),
			"customFields": anyObject(),
		}},
		"previewUrls": arrayOf(anyText()),
	}))
	send.sends = true
	mid := func(do endpoint) route {
		return shaped(do, shape([]string{"mid"}, map[string]schema{"mid": someText()}))
	}
	read := shaped(s.readThread, shape([]string{"tmid"}, map[string]schema{"tmid": someText()}))
	read.since = 8
	return map[string]route{
		"POST chat.sendMessage": send,
		"POST chat.postMessage": shaped(s.postMessage, schema{oneOf: []schema{postSchema("roomId"), postSchema("channel")}}),
		"POST chat.update": shaped(s.updateMessage, shape([]string{"roomId", "msgId", "text"}, map[string]schema{
			"roomId": anyText(), "msgId": anyText(), "text": anyText(), "previewUrls": arrayOf(anyText()), "customFields": anyObject(),
		})),
		"POST chat.delete":          shaped(s.deleteMessage, s.deleteSchema()),
		"POST chat.react":           shaped(s.reactMessage, schema{oneOf: []schema{reactSchema("emoji"), reactSchema("reaction")}}),
		"POST chat.followMessage":   mid(s.followMessage),
		"POST chat.unfollowMessage": mid(s.unfollowMessage),
		"POST chat.readThread":      read,
	}
}

// postSchema is one of the two forms of chat.postMessage: tmid goes with roomId alone.
func postSchema(where string) schema {
	fields := map[string]schema{
		where:  {oneOf: []schema{anyText(), {kind: "array", items: &schema{kind: "string"}}}},
		"text": nullText(), "alias": nullText(), "emoji": nullText(), "avatar": nullText(), "attachments": arrayOf(anyObject()),
		"customFields": anyObject(), "parseUrls": {kind: "boolean"},
	}
	if where == "roomId" {
		fields["tmid"] = anyText()
	}
	return shape([]string{where}, fields)
}

func reactSchema(emoji string) schema {
	return shape([]string{emoji, "messageId"}, map[string]schema{
		emoji: anyText(), "messageId": someText(), "shouldReact": flag(),
	})
}

// deleteSchema is the message by its id or, since 8.6, by that of its file.
func (s *Server) deleteSchema() schema {
	byMessage := shape([]string{"msgId", "roomId"}, map[string]schema{"msgId": anyText(), "roomId": anyText(), "asUser": flag()})
	if s.cfg.Version < 8 {
		return byMessage
	}
	return schema{oneOf: []schema{byMessage, shape([]string{"fileId"}, map[string]schema{"fileId": someText(), "asUser": flag()})}}
}

// threadRoutes read single messages and threads.
func (s *Server) threadRoutes() map[string]route {
	ofThread := paged(map[string]schema{"tmid": someText()})
	if s.cfg.Version >= 8 {
		ofThread["aroundId"] = someText()
	}
	ofRoom := paged(map[string]schema{
		"rid": anyText(), "type": oneOf("following", "unread"), "text": nullText(), "query": nullText(), "fields": nullText(),
	})
	return map[string]route{
		"GET chat.getMessage":        shaped(s.getMessage, shape([]string{"msgId"}, map[string]schema{"msgId": someText()})),
		"GET chat.getThreadMessages": shaped(s.getThreadMessages, shape([]string{"tmid"}, ofThread)),
		"GET chat.getThreadsList":    shaped(s.getThreadsList, shape([]string{"rid"}, ofRoom)),
		"GET chat.syncThreadMessages": shaped(s.syncThreadMessages,
			shape([]string{"tmid", "updatedSince"}, paged(map[string]schema{"tmid": someText(), "updatedSince": isoTime()}))),
		"GET chat.syncThreadsList": shaped(s.syncThreadsList,
			shape([]string{"rid", "updatedSince"}, map[string]schema{"rid": someText(), "updatedSince": isoTime()})),
	}
}

// syncRoutes tell what has changed in a room.
func (s *Server) syncRoutes() map[string]route {
	fields := map[string]schema{
		"roomId": anyText(), "lastUpdate": nullText(), "count": number(), "next": nullText(), "previous": nullText(),
		"type": oneOf("UPDATED", "DELETED"),
	}
	if s.cfg.Version >= 8 {
		fields["fromTs"] = nullText()
	}
	since := schema{kind: "string", isoTime: true, minimum: 1}
	return map[string]route{
		"GET chat.syncMessages": shaped(s.syncMessages, shape([]string{"roomId"}, fields)),
		"GET chat.getDeletedMessages": shaped(s.getDeletedMessages,
			shape([]string{"roomId", "since"}, paged(map[string]schema{"roomId": someText(), "since": since}))),
	}
}

// roomRoutes are about rooms; dm is another name of im.
func (s *Server) roomRoutes() map[string]route {
	all := map[string]route{
		"GET rooms.get":           {do: s.roomsGet},
		"GET rooms.info":          {do: s.roomsInfo},
		"POST rooms.media":        {do: s.uploadMedia},
		"POST rooms.mediaConfirm": {do: s.confirmMedia},
	}
	truth := schema{kind: "string", enum: []string{"true", "false"}}
	for prefix, kind := range map[string]RoomType{"channels": Channel, "groups": Group, "im": Direct, "dm": Direct} {
		history := paged(map[string]schema{
			"roomId": someText(), "latest": someText(), "oldest": someText(), "inclusive": truth, "unreads": truth,
			"showThreadMessages": truth,
		})
		listing := paged(map[string]schema{
			"roomId": someText(), "mentionIds": anyText(), "starredIds": anyText(), "pinned": anyText(),
		})
		needed := []string{"roomId"}
		if kind != Direct {
			history["roomName"], listing["roomName"] = someText(), someText()
			needed = nil
		}
		all["GET "+prefix+".history"] = shaped(s.history(kind), shape(needed, history))
		all["GET "+prefix+".messages"] = shaped(s.messages(kind), shape(needed, listing))
		all["GET "+prefix+".members"] = route{do: s.members(kind)}
	}
	return all
}
